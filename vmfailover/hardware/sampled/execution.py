"""Executing the visits at hand of every core, in the order in which they are due."""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
from vmfailover.hardware.cache.kernel.constants import (
    BUFFER,
    DEADLINE,
    EXHAUSTED,
    EXIT,
    EXITS,
    FIRST_STORE,
    FIRST_STORES,
    LIMIT,
    MADE_UP_FS,
    QUANTUM,
    TRACKING_FS,
    UNTRACKED,
)
from vmfailover.hardware.cache.kernel.log import log_address
from vmfailover.hardware.cache.state import VERSION_MODULUS, CacheState, LogState
from vmfailover.hardware.sampled.visits import WITHIN_TICK_BITS, VisitsAtHand

#: Marks of a unit in `CacheState.tracked`: noted in this interval, and to be logged by the next walk.
NOTED = 1
UNLOGGED = 2


class SampledState(NamedTuple):
    """What a sampled processor remembers beside its clocks, counters and marks."""

    #: uint32[units]: units noted in this interval, in the order of their first stores.
    noted: npt.NDArray[np.uint32]
    #: uint32[units]: units that the next walk logs.
    unlogged: npt.NDArray[np.uint32]
    #: int64[2]: how many are in `noted`, and in `unlogged`.
    sizes: npt.NDArray[np.int64]
    #: int64[cores, sets]: visits executed.
    visits: npt.NDArray[np.int64]
    #: int64[sets]: guest time of a visit, femtoseconds.
    cost: npt.NDArray[np.int64]
    #: int64[cores]: the host's time less the guest time of each core's VM, femtoseconds.
    offset: npt.NDArray[np.int64]


@compiled_in_place
def run_cores(
    state: CacheState,
    sampled: SampledState,
    visits: VisitsAtHand,
    start: npt.NDArray[np.int64],
    tick_fs: int,
    marks: int,
    deadline: int,
    quantum: int,
) -> tuple[int, int]:
    """Execute the visits at hand that are due before the deadline, in femtoseconds, `quantum` of them at most.

    None begins before its tick. A core that has nothing to do until the deadline is idle up to there. Returns the core
    that made it stop, and a value of `Why`.
    """
    remaining = np.int64(quantum)
    while True:
        core, due, bound = _turn(state.clock, sampled.offset, visits, start, tick_fs, deadline)
        if due >= deadline:
            for other in range(start.size):
                state.clock[other] = max(state.clock[other], np.int64(deadline))
            return core, DEADLINE
        if remaining <= 0:
            return core, QUANTUM
        if start[core] == visits.length[core]:
            return core, EXHAUSTED
        first = start[core]
        _run_core(
            state, sampled, visits, start, core, tick_fs, marks, bound, min(visits.length[core], first + remaining)
        )
        remaining -= start[core] - first


@compiled_inline
def _due(
    clock: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    visits: VisitsAtHand,
    here: int,
    core: int,
    tick_fs: int,
) -> int:
    """Return when a core's next visit begins; without one, when there may be one."""
    position = visits.position[core, here] if here < visits.length[core] else visits.end[core]
    return max(clock[core], (position >> WITHIN_TICK_BITS) * tick_fs + offset[core])


@compiled_inline
def _turn(
    clock: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    visits: VisitsAtHand,
    start: npt.NDArray[np.int64],
    tick_fs: int,
    deadline: int,
) -> tuple[int, int, int]:
    """Return the core whose visit is due first, when that is, and when the turn of another core comes."""
    core = 0
    due = _due(clock, offset, visits, start[0], 0, tick_fs)
    bound = np.int64(deadline)
    for other in range(1, start.size):
        then = _due(clock, offset, visits, start[other], other, tick_fs)
        if then < due:
            bound = min(bound, due)
            core, due = other, then
        else:
            bound = min(bound, then + 1)
    return core, due, bound


@compiled_inline
def _run_core(
    state: CacheState,
    sampled: SampledState,
    visits: VisitsAtHand,
    start: npt.NDArray[np.int64],
    core: int,
    tick_fs: int,
    marks: int,
    bound: int,
    end: int,
) -> None:
    """Execute visits of one core until its clock reaches the bound."""
    clock = state.clock[core]
    here = start[core]
    wanted = marks if state.mode[core] != UNTRACKED else 0
    while here < end:
        begins = max(clock, (visits.position[core, here] >> WITHIN_TICK_BITS) * tick_fs + sampled.offset[core])
        if begins >= bound:
            break
        if begins > clock:
            state.counters[MADE_UP_FS] += state.behind[core]
            state.behind[core] = 0
        unit = np.int64(visits.unit[core, here])
        times = np.int64(visits.visits[core, here])
        clock = begins + times * sampled.cost[visits.set[core, here]]
        if state.tracked[unit] & wanted != wanted:
            clock += _mark(state, sampled, core, unit, wanted)
        state.memory[unit] = (state.memory[unit] + 1) % VERSION_MODULUS
        sampled.visits[core, visits.set[core, here]] += times
        here += 1
    start[core] = here
    state.clock[core] = clock


@compiled_inline
def _note(state: CacheState, sampled: SampledState, unit: int) -> None:
    """Write down a unit that is noted for the first time in this interval, and what it holds if that is kept."""
    sampled.noted[sampled.sizes[0]] = unit
    sampled.sizes[0] += 1
    if state.undo.size > 0:
        state.undo[unit] = state.memory[unit]


@compiled_inline
def _mark(state: CacheState, sampled: SampledState, core: int, unit: int, wanted: int) -> int:
    """Mark a unit that is about to be stored to; return what that costs."""
    missing = wanted & ~np.int64(state.tracked[unit])
    state.tracked[unit] |= wanted
    if missing & UNLOGGED:
        sampled.unlogged[sampled.sizes[1]] = unit
        sampled.sizes[1] += 1
    if missing & NOTED == 0:
        return 0
    _note(state, sampled, unit)
    cost = state.costs[core, FIRST_STORE]
    state.counters[FIRST_STORES] += 1
    state.buffered[core] += 1
    if state.buffered[core] == state.policy[BUFFER]:
        state.buffered[core] = 0
        state.counters[EXITS] += 1
        cost += state.costs[core, EXIT]
    state.behind[core] += cost
    state.counters[TRACKING_FS] += cost
    return cost


@compiled_in_place
def store_to_units(
    state: CacheState, sampled: SampledState, core: int, units: npt.NDArray[np.int64], marks: int, each_fs: int
) -> int:
    """Let a core store to units, int64[n], in `each_fs` each and what marks cost; return the time, femtoseconds."""
    wanted = marks if state.mode[core] != UNTRACKED else 0
    taken = np.int64(0)
    for index in range(units.size):
        unit = units[index]
        if state.tracked[unit] & wanted != wanted:
            taken += _mark(state, sampled, core, unit, wanted)
        state.memory[unit] = (state.memory[unit] + 1) % VERSION_MODULUS
        taken += each_fs
    return taken


@compiled_in_place
def note_units(state: CacheState, sampled: SampledState, units: npt.NDArray[np.int64]) -> None:
    """Note units, int64[n], that are about to be stored to by others than a core, at no cost."""
    for index in range(units.size):
        unit = units[index]
        if state.tracked[unit] & NOTED == 0:
            state.tracked[unit] |= NOTED
            _note(state, sampled, unit)


@compiled_in_place
def write_units(versions: npt.NDArray[np.uint32], units: npt.NDArray[np.int64]) -> None:
    """Write units, int64[n], one after the other, by others than a core."""
    for index in range(units.size):
        versions[units[index]] = (versions[units[index]] + 1) % VERSION_MODULUS


@compiled_in_place
def log_units(log: LogState, vm: int, units: npt.NDArray[np.int64], unit_bytes: int) -> int:
    """Log the addresses of units, int64[n], as far as the log's limit goes; return how many that were."""
    for index in range(units.size):
        if log.registers[vm, LIMIT] < 1:
            return index
        log_address(log, vm, units[index] * unit_bytes)
    return units.size
