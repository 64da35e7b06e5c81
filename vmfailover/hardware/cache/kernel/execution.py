"""Executing the accesses at hand of every core, in the order of their clocks."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_everywhere, compiled_in_place, compiled_inline
from vmfailover.hardware.cache.kernel.constants import (
    ACCESSES,
    DEADLINE,
    DIRTIED,
    EXHAUSTED,
    FIRST_STORES_MODE,
    INSTRUCTION,
    L1_LOAD_MISSES,
    L2,
    LINE_SHIFT,
    LOG_LIMIT,
    QUANTUM,
    STORES,
    UNTRACKED,
)
from vmfailover.hardware.cache.kernel.hits import run_hits
from vmfailover.hardware.cache.kernel.misses import run_miss
from vmfailover.hardware.cache.state import DIRTY, FLAG, Accesses, CacheState, LogState, Stop


def advance(
    state: CacheState, accesses: Accesses, start: npt.NDArray[np.int64], deadline: int, quantum: int, log: LogState
) -> Stop:
    """Execute the accesses at hand from `start` on until the guest time `deadline`, in femtoseconds.

    `start`, int64[cores], moves on in place. Stops exactly at the deadline, when a core has no access left, when the
    next access needs more log than the limit register allows, and after `quantum` records; the result of several calls
    does not depend on how they were cut.
    """
    before = state.clock.copy()
    if state.several is None:
        core, why = 0, run_core(state, accesses, start, 0, deadline, quantum, log)
    else:
        core, why = run_cores(state, accesses, start, deadline, quantum, log)
    return Stop(why, core, int(start[core]), int(state.clock[core] - before[core]))


@compiled_in_place
def run_cores(
    state: CacheState, accesses: Accesses, start: npt.NDArray[np.int64], deadline: int, quantum: int, log: LogState
) -> tuple[int, int]:
    """Do what `advance` says; return the core that made it stop, and a value of `Why`.

    To make an object of a class, the compiler's runtime would call the interpreter, which does not survive
    an exception raised by a signal handler there.
    """
    remaining = np.int64(quantum)
    while True:
        core, bound = _turn(state.clock, deadline)
        if remaining == 0:
            why = QUANTUM
        elif state.clock[core] >= deadline:
            why = DEADLINE
        else:
            first = start[core]
            why = run_core(state, accesses, start, core, bound, remaining, log)
            remaining -= start[core] - first
            if why in (DEADLINE, QUANTUM):
                continue
        return core, why


@compiled_everywhere
def run_core(
    state: CacheState,
    accesses: Accesses,
    start: npt.NDArray[np.int64],
    core: int,
    bound: int,
    quantum: int,
    log: LogState,
) -> int:
    """Execute records of one core, `quantum` at most, until its clock reaches the bound; return a value of `Why`."""
    block = accesses.block[core]
    write = accesses.write[core]
    count = accesses.count[core]
    instructions = accesses.instructions[core]
    rows = (state.place[core], state.l1[core], state.l1_used[core], state.l2[core], state.l2_used[core])
    shift = state.policy[LINE_SHIFT]
    costs = (state.costs[core, INSTRUCTION], state.costs[core, L2])
    written = DIRTY | (FLAG if state.mode[core] != UNTRACKED else 0)
    required = (DIRTY if state.l2.shape[0] > 1 else 0) | (FLAG if state.mode[core] == FIRST_STORES_MODE else 0)
    counters = state.counters
    here = first = start[core]
    tick = state.tick[core] - first
    end = min(np.int64(accesses.length[core]), first + quantum)
    why = DEADLINE
    while True:
        here, clock, executed, performed, stored, load_misses, dirtied = run_hits(
            (block, write, count, instructions),
            rows,
            shift,
            costs,
            written,
            required,
            (tick, here, end, bound),
            state.clock[core],
        )
        state.clock[core] = clock
        state.instructions[core] += executed
        counters[ACCESSES] += performed
        counters[STORES] += stored
        counters[L1_LOAD_MISSES] += load_misses
        counters[DIRTIED] += dirtied
        if clock >= bound or here == end:
            break
        line = np.int64(block[here]) >> shift
        if not run_miss(state, log, core, line, write[here] != 0, np.int64(count[here]), written, tick + here):
            why = LOG_LIMIT
            break
        steps = np.int64(instructions[here])
        state.clock[core] += steps * costs[0]
        state.instructions[core] += steps
        here += 1
    start[core] = here
    state.tick[core] = tick + here
    if why == DEADLINE and here - first == quantum:
        why = QUANTUM
    elif why == DEADLINE and state.clock[core] < bound:
        why = EXHAUSTED
    return why


@compiled_inline
def _turn(clock: npt.NDArray[np.int64], deadline: int) -> tuple[int, int]:
    """Return the core that runs next, the one with the smallest clock, and the clock at which its turn is over."""
    core = 0
    for other in range(1, clock.size):
        if clock[other] < clock[core]:
            core = other
    bound = deadline
    for other in range(clock.size):
        if other != core:
            bound = min(bound, clock[other] + (1 if core < other else 0))
    return core, bound
