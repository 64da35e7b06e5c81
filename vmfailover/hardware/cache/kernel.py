"""The compiled twin of the cache hierarchy: what `reference` says, some thousand times faster.

A line is found without a search: `CacheState.place` tells its way in each level. Stamping the time of use into way 0
of a set, which holds no row, does no harm, so that the hot path of an access has no branch but load or store, hit or
miss. Event counts and the core's clock live in registers while a core runs and go to the arrays when it stops.
"""

# Python's integers and NumPy's are one type to the compiler.
# mypy: disable-error-code="assignment, arg-type, no-any-return, return-value"

import numpy as np
import numpy.typing as npt

from vmfailover.compilation import compiled, compiled_in_place
from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    INVALID,
    INVALID_ROW,
    PADDING,
    TAG_SHIFT,
    VERSION_MASK,
    VERSION_MODULUS,
    VERSION_SHIFT,
    Accesses,
    CacheState,
    LogState,
    Stop,
)

# Plain integers: the compiler treats members of an enumeration as a type of their own.
ACCESSES, STORES, L1_LOAD_MISSES, L2_MISSES, L3_HITS, WRITEBACKS, DIRTIED, TRANSFERS = range(8)
LOG_CASTOUT, LOG_SCAN, LOG_TRANSFER, _LOG_SOFTWARE, LOG_WRITE_FS = range(8, 13)
INSTRUCTION, L2, L3, MEMORY, TRANSFER, LOG_WRITE = range(6)
INITIAL, WRAP, NEXT, _TAIL, _SIZE, COLLECTED, LIMIT = range(7)
DEADLINE, EXHAUSTED, LOG_LIMIT, QUANTUM = range(4)
WRITTEN = DIRTY | FLAG
#: `CacheState.place` holds the way in L1 in its low byte, the way in L2 above.
L1_WAY = 0xFF
L2_WAY_SHIFT = 8

Column = npt.NDArray[np.uint32]
Writes = npt.NDArray[np.uint8]
Place = npt.NDArray[np.uint16]
Lines = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Ticks = npt.NDArray[np.int64]


@compiled_in_place
def flush(log: LogState) -> bool:
    """Pad the collecting line and write it out to the log; say whether it held anything."""
    registers = log.registers
    if registers[COLLECTED] == 0:
        return False
    slot = (registers[NEXT] - registers[INITIAL]) // 8
    for entry in range(log.collecting.size):
        log.ring[slot + entry] = log.collecting[entry]
        log.collecting[entry] = PADDING
    registers[COLLECTED] = 0
    registers[NEXT] += log.collecting.size * 8
    if registers[NEXT] == registers[WRAP]:
        registers[NEXT] = registers[INITIAL]
    return True


@compiled_in_place
def log_address(log: LogState, line_address: int) -> bool:
    """Append one line's real address to the log; say whether that wrote the collecting line out."""
    registers = log.registers
    log.collecting[registers[COLLECTED]] = line_address
    registers[COLLECTED] += 1
    registers[LIMIT] -= 1
    return registers[COLLECTED] == log.collecting.size and flush(log)


@compiled_in_place
def _log_line(state: CacheState, log: LogState, line: int, cause: int) -> bool:
    """Log a line and count the cause; say whether that wrote the collecting line out."""
    state.counters[cause] += 1
    return log_address(log, line << (6 + state.policy[0]))


@compiled_in_place
def _charge_log_write(state: CacheState, core: int) -> None:
    state.clock[core] += state.costs[core, LOG_WRITE]
    state.counters[LOG_WRITE_FS] += state.costs[core, LOG_WRITE]


@compiled_in_place
def _l2_row(state: CacheState, core: int, line: int) -> np.int64:
    """Return a core's L2 row of a line, `INVALID_ROW` if it has none."""
    return state.l2[core, line & (state.l2.shape[1] - 1), state.place[core, line] >> L2_WAY_SHIFT]


@compiled_in_place
def _write_back(state: CacheState, row: int) -> None:
    state.memory[row >> TAG_SHIFT] = (row & VERSION_MASK) >> VERSION_SHIFT
    state.counters[WRITEBACKS] += 1


@compiled_in_place
def _drop(state: CacheState, core: int, line: int) -> None:
    """Invalidate a core's rows of a line in L2 and, if it is there too, in L1."""
    place = state.place[core, line]
    index = line & (state.l2.shape[1] - 1)
    state.l2[core, index, place >> L2_WAY_SHIFT] = INVALID_ROW
    state.l2_used[core, index, place >> L2_WAY_SHIFT] = 0
    index = line & (state.l1.shape[1] - 1)
    state.l1[core, index, place & L1_WAY] = INVALID
    state.l1_used[core, index, place & L1_WAY] = 0
    state.place[core, line] = 0


@compiled_in_place
def _l3_way(state: CacheState, line: int) -> int:
    """Return the way of L3 that holds a line, the number of ways if none does."""
    ways = state.l3.shape[1]
    for way in range(ways):
        if state.l3[line & (state.l3.shape[0] - 1), way] == line:
            return way
    return ways


@compiled_in_place
def _insert_in_l3(state: CacheState, line: int) -> None:
    """Make a line the most recent of its L3 set; the least recent falls out if it was not there."""
    index = line & (state.l3.shape[0] - 1)
    for way in range(min(_l3_way(state, line), state.l3.shape[1] - 1), 0, -1):
        state.l3[index, way] = state.l3[index, way - 1]
    state.l3[index, 0] = line


@compiled_in_place
def _take_from_l3(state: CacheState, line: int) -> bool:
    """Remove a line from L3; say whether it was there."""
    ways = state.l3.shape[1]
    way = _l3_way(state, line)
    if way == ways:
        return False
    index = line & (state.l3.shape[0] - 1)
    for later in range(way, ways - 1):
        state.l3[index, later] = state.l3[index, later + 1]
    state.l3[index, ways - 1] = INVALID
    return True


@compiled_in_place
def _flags_elsewhere(state: CacheState, core: int, line: int, is_store: bool) -> int:
    """Count the addresses that other cores' rows of a line will log when this core asks for it."""
    flags = 0
    for other in range(state.l2.shape[0]):
        if other != core and state.policy[1] == 0:
            row = _l2_row(state, other, line)
            if row & FLAG and (is_store or row & DIRTY):
                flags += 1
    return flags


@compiled_in_place
def _ask_other_cores(state: CacheState, log: LogState, core: int, line: int, is_store: bool) -> int:
    """Deal with the rows of a line in other cores' L2 before a load or store of this core.

    Returns what moves to this core: the dirty row that another core held, a flag that is carried along, `INVALID_ROW`
    in place of a row that was not dirty. The dirty bit is gone where the data has been written back.
    """
    moved = INVALID_ROW
    carried = 0
    for other in range(state.l2.shape[0]):
        row = _l2_row(state, other, line)
        if other == core or row < 0 or not (is_store or row & DIRTY):
            continue
        if row & DIRTY:
            state.counters[TRANSFERS] += 1
            moved = row & ~FLAG
        if is_store:
            _drop(state, other, line)
        else:
            _write_back(state, row)
            moved = row & ~WRITTEN
            way = state.place[other, line] >> L2_WAY_SHIFT
            state.l2[other, line & (state.l2.shape[1] - 1), way] = moved
        if row & FLAG:
            if state.policy[1] == 1:
                carried = FLAG
            elif _log_line(state, log, line, LOG_TRANSFER):
                _charge_log_write(state, core)
    return moved | carried


@compiled_in_place
def _least_recent(used: npt.NDArray[np.int64], index: int) -> int:
    """Return the way of a set that was used least recently, the first one of several."""
    way = 1
    for other in range(2, used.shape[1]):
        if used[index, other] < used[index, way]:
            way = other
    return way


@compiled_in_place
def _allocate(state: CacheState, log: LogState, core: int, line: int, is_store: bool) -> int:
    """Bring a line that missed into L2, at its cost; return its way, 0 if the log has no room for what that logs."""
    index = line & (state.l2.shape[1] - 1)
    way = _least_recent(state.l2_used[core], index)
    victim = state.l2[core, index, way]
    several = state.l2.shape[0] > 1
    needed = 1 if victim & FLAG else 0
    if several:
        needed += _flags_elsewhere(state, core, line, is_store)
    if needed and needed > log.registers[LIMIT]:
        return 0
    moved = _ask_other_cores(state, log, core, line, is_store) if several else INVALID_ROW
    if moved >= 0:
        state.clock[core] += state.costs[core, TRANSFER]
    elif state.l3.size > 0 and _take_from_l3(state, line):
        state.clock[core] += state.costs[core, L3]
        state.counters[L3_HITS] += 1
    else:
        state.clock[core] += state.costs[core, MEMORY]
    if victim >= 0:
        _evict(state, log, core, victim)
    state.counters[L2_MISSES] += 1
    version = moved & VERSION_MASK if moved >= 0 else np.int64(state.memory[line]) << VERSION_SHIFT
    state.l2[core, index, way] = line << TAG_SHIFT | version | moved & WRITTEN
    state.place[core, line] = way << L2_WAY_SHIFT
    return way


@compiled_in_place
def _evict(state: CacheState, log: LogState, core: int, row: int) -> None:
    """Cast a row out of a core's L2: write back, log, drop from L1, move on to L3."""
    line = row >> TAG_SHIFT
    if row & DIRTY:
        _write_back(state, row)
    if row & FLAG and _log_line(state, log, line, LOG_CASTOUT):
        _charge_log_write(state, core)
    _drop(state, core, line)
    if state.l3.size > 0:
        _insert_in_l3(state, line)


@compiled_in_place
def _fill_l1(
    l1: npt.NDArray[np.int32], l1_used: npt.NDArray[np.int64], place: npt.NDArray[np.uint16], line: int, tick: int
) -> None:
    """Put a line into a core's L1 in place of the least recently used one, which falls out silently."""
    index = line & (l1.shape[0] - 1)
    way = _least_recent(l1_used, index)
    fallen = l1[index, way]
    if fallen >= 0:
        place[fallen] &= ~L1_WAY
    l1[index, way] = line
    l1_used[index, way] = tick
    place[line] |= way


@compiled_in_place
def _stored(row: int, times: int, written: int) -> int:
    """Return a row after `times` stores."""
    return (row & ~VERSION_MASK) | ((row + (times << VERSION_SHIFT)) & VERSION_MASK) | written


@compiled_in_place
def _run_hits(
    accesses: tuple[Column, Writes, Column, Column],
    rows: tuple[Place, Lines, Ticks, Rows, Ticks],
    shift: int,
    costs: tuple[int, int],
    written: int,
    exclusive: int,
    span: tuple[int, int, int, int],
    clock: int,
) -> tuple[int, int, int, int, int, int, int]:
    """Execute records that find their line in L2, or for a load in L1, until one does not.

    `accesses` are block, write, count, instructions of one core; `rows` its place, l1, l1_used, l2 and l2_used;
    `costs` those of an instruction and of L2. A store needs a row with all bits of `exclusive`. `span` is the tick of
    record 0, the first record, the end and the clock's bound. Returns the next record, the clock, and what has
    happened: instructions, accesses, stores, loads that missed L1, rows that turned dirty.
    """
    block, write, count, instructions = accesses
    place, l1, l1_used, l2, l2_used = rows
    instruction_cost, l2_cost = costs
    tick, here, end, bound = span
    l1_mask = np.uint64(l1_used.shape[0] - 1)
    l2_mask = np.uint64(l2.shape[0] - 1)
    executed = np.int64(0)
    performed = np.int64(0)
    stored = np.int64(0)
    load_misses = np.int64(0)
    dirtied = np.int64(0)
    left = bound - clock
    while executed * instruction_cost < left and here < end:
        record = np.uint64(here)  # an index known not to be negative
        now = tick + here
        line = np.int64(block[record]) >> shift
        times = np.int64(count[record])
        ways = place[line]
        way = np.uint64(ways >> L2_WAY_SHIFT)
        index = np.uint64(line) & l2_mask
        l1_used[np.uint64(line) & l1_mask, ways & L1_WAY] = now
        if write[record]:
            row = l2[index, way]
            if way == 0 or row & exclusive != exclusive:
                break
            dirtied += (row & DIRTY) ^ DIRTY
            l2[index, way] = _stored(row, times, written)
            l2_used[index, way] = now
            stored += times
        elif ways & L1_WAY == 0:
            if way == 0:
                break
            l2_used[index, way] = now
            _fill_l1(l1, l1_used, place, line, now)
            load_misses += 1
            left -= l2_cost
        executed += np.int64(instructions[record])
        performed += times
        here += 1
    clock += executed * instruction_cost + load_misses * l2_cost
    return here, clock, executed, performed, stored, load_misses, dirtied


@compiled_in_place
def _run_miss(
    state: CacheState, log: LogState, core: int, line: int, is_store: bool, times: int, written: int, now: int
) -> bool:
    """Execute a record that needs a row it does not have, or not for itself; say whether the log had room for it."""
    index = line & (state.l2.shape[1] - 1)
    way = np.int64(state.place[core, line] >> L2_WAY_SHIFT)
    row = state.l2[core, index, way]
    if way == 0:
        way = np.int64(_allocate(state, log, core, line, is_store))
        row = state.l2[core, index, way]
    elif _flags_elsewhere(state, core, line, True) > max(np.int64(0), log.registers[LIMIT]):
        way = np.int64(0)
    else:
        row |= _ask_other_cores(state, log, core, line, True) & FLAG
    if way == 0:
        return False
    state.l2_used[core, index, way] = now
    state.counters[ACCESSES] += times
    if is_store:
        state.counters[DIRTIED] += (row & DIRTY) ^ DIRTY
        state.counters[STORES] += times
        state.l2[core, index, way] = _stored(row, times, written)
        state.l1_used[core, line & (state.l1.shape[1] - 1), state.place[core, line] & L1_WAY] = now
    else:
        state.counters[L1_LOAD_MISSES] += 1
        _fill_l1(state.l1[core], state.l1_used[core], state.place[core], line, now)
    return True


@compiled_in_place
def _run_core(
    state: CacheState,
    accesses: Accesses,
    start: npt.NDArray[np.int64],
    core: int,
    bound: int,
    quantum: int,
    log: LogState,
) -> int:
    """Execute records of one core until its clock reaches the bound; return a value of `Why`."""
    block = accesses.block[core]
    write = accesses.write[core]
    count = accesses.count[core]
    instructions = accesses.instructions[core]
    rows = (state.place[core], state.l1[core], state.l1_used[core], state.l2[core], state.l2_used[core])
    shift = state.policy[0]
    costs = (state.costs[core, INSTRUCTION], state.costs[core, L2])
    written = DIRTY | (FLAG if state.mode[core] == 1 else 0)
    exclusive = DIRTY if state.l2.shape[0] > 1 else 0
    counters = state.counters
    here = first = start[core]
    tick = state.tick[core] - first
    end = min(np.int64(accesses.length[core]), first + quantum)
    why = DEADLINE
    while True:
        here, clock, executed, performed, stored, load_misses, dirtied = _run_hits(
            (block, write, count, instructions),
            rows,
            shift,
            costs,
            written,
            exclusive,
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
        if not _run_miss(state, log, core, line, write[here] != 0, np.int64(count[here]), written, tick + here):
            why = LOG_LIMIT
            break
        steps = np.int64(instructions[here])
        state.clock[core] += steps * costs[0]
        state.instructions[core] += steps
        here += 1
    start[core] = here
    state.tick[core] = tick + here
    if why == DEADLINE and state.clock[core] < bound:
        why = QUANTUM if here - first == quantum else EXHAUSTED
    return why


@compiled_in_place
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


@compiled
def advance(
    state: CacheState, accesses: Accesses, start: npt.NDArray[np.int64], deadline: int, quantum: int, log: LogState
) -> Stop:
    """Execute the accesses at hand from `start` on until the guest time `deadline`, in femtoseconds.

    `start`, int64[cores], moves on in place. Stops exactly at the deadline, when a core has no access left, when the
    next access needs more log than the limit register allows, and after `quantum` records; the result of several calls
    does not depend on how they were cut.
    """
    before = state.clock.copy()
    remaining = np.int64(quantum)
    while True:
        core, bound = _turn(state.clock, deadline)
        if remaining == 0:
            why = QUANTUM
        elif state.clock[core] >= deadline:
            why = DEADLINE
        else:
            first = start[core]
            why = _run_core(state, accesses, start, core, bound, remaining, log)
            remaining -= start[core] - first
            if why in (DEADLINE, QUANTUM):
                continue
        return Stop(why, core, start[core], state.clock[core] - before[core])


@compiled_in_place
def scan(state: CacheState, core: int, log: LogState, first_set: int) -> int:
    """Walk a core's L2 from a set on, most recent rows first: log every flagged row and clear its flag.

    Returns the set at which the log's limit stopped it, or the number of sets when all are done.
    """
    rows = state.l2[core]
    for index in range(first_set, rows.shape[0]):
        flags = 0
        for way in range(1, rows.shape[1]):
            flags |= rows[index, way]
        while flags & FLAG:
            latest, flags = _latest_flagged(rows, state.l2_used[core], index)
            if log.registers[LIMIT] < 1:
                return index
            _log_line(state, log, rows[index, latest] >> TAG_SHIFT, LOG_SCAN)
            rows[index, latest] &= ~FLAG
    return rows.shape[0]


@compiled_in_place
def _latest_flagged(rows: npt.NDArray[np.int64], used: npt.NDArray[np.int64], index: int) -> tuple[int, int]:
    """Return the way of the flagged row of a set that was used last, and `FLAG` if the set has another, else 0."""
    latest = 0
    others = 0
    for way in range(1, rows.shape[1]):
        if rows[index, way] & FLAG:
            if latest:
                others = FLAG
            if latest == 0 or used[index, way] > used[index, latest]:
                latest = way
    return latest, others


@compiled_in_place
def fetch(state: CacheState, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> int:
    """Read lines coherently: `versions[i]` becomes the newest version of line `lines[i]`.

    Returns how many of the lines some L2 held.
    """
    cached = 0
    for position in range(lines.size):
        version = np.int64(state.memory[lines[position]])
        held = False
        for core in range(state.l2.shape[0]):
            row = _l2_row(state, core, lines[position])
            if row >= 0:
                held = True
                if row & DIRTY:
                    version = (row & VERSION_MASK) >> VERSION_SHIFT
        versions[position] = version
        cached += held
    return cached


@compiled_in_place
def write_around(state: CacheState, line: int, log: LogState) -> None:
    """Write a line by DMA or from the hypervisor: coherent, and no flag is set.

    Every cached copy leaves the caches: a dirty one is written back, a flagged one is logged.
    """
    for core in range(state.l2.shape[0]):
        row = _l2_row(state, core, line)
        if row < 0:
            continue
        _drop(state, core, line)
        if row & DIRTY:
            _write_back(state, row)
        if row & FLAG:
            _log_line(state, log, line, LOG_TRANSFER)
    if state.l3.size > 0:
        _take_from_l3(state, line)
    state.memory[line] = (state.memory[line] + 1) % VERSION_MODULUS
