"""The cache controller (122) in plain Python: the readable twin of the compiled kernel.

Every operation searches the sets for the rows it needs, unpacks them, does to them what a textbook says, and packs them
again. After the six operations come, in this order: reasons to stop, loads and stores, coherence (MESI, where the dirty
bit is M), the sets of L2, of L1 and of L3, and what is logged and counted.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    INVALID,
    INVALID_ROW,
    PADDING,
    TAG_SHIFT,
    VERSION_MODULUS,
    VERSION_SHIFT,
    Accesses,
    CacheState,
    Cost,
    Counter,
    Leaving,
    LogState,
    Mode,
    Policy,
    Register,
    Stop,
    Why,
)
from vmfailover.scenario.sizes import ADDRESS_BYTES

__all__ = ["advance", "fetch", "flush", "log_address", "scan", "write_around"]


class Row(NamedTuple):
    """A valid row (1210) of a write-back L2, unpacked."""

    tag: int
    version: int
    flagged: bool = False
    dirty: bool = False


class Access(NamedTuple):
    """One record of a trace: so many equal accesses to a line."""

    line: int
    write: bool
    times: int
    instructions: int


def advance(
    state: CacheState, accesses: Accesses, start: npt.NDArray[np.int64], deadline: int, quantum: int, log: LogState
) -> Stop:
    """Execute whole records, always on the core that is furthest behind, until there is a reason to stop.

    `start` (int64[cores]), each core's next record, moves on in place. A record runs if its core's clock is before
    `deadline` (femtoseconds); at most `quantum` records run. One that logs nothing may always run, one that would log
    more than the `Register.LIMIT` of its core's VM stops the call and changes nothing. Cores of different VMs never
    use the same line.
    """
    began = state.clock.copy()
    while True:
        core = int(np.argmin(state.clock))
        why = reason_to_stop(state, accesses, int(start[core]), core, deadline, quantum, log)
        if why is not None:
            return Stop(why, core, int(start[core]), int(state.clock[core] - began[core]))
        execute(state, core, access_at(state, accesses, core, int(start[core])), log)
        start[core] += 1
        quantum -= 1


def scan(state: CacheState, core: int, log: LogState, first_set: int) -> int:
    """Log every flagged row of the core's L2 and clear its flag, from `first_set` on, in a set the most recent first.

    Returns the number of sets once the walk is complete, or else the set with the flagged row for which
    `Register.LIMIT` left no entry, from which the walk can be resumed. Takes no guest time.
    """
    sets = state.l2_used[core, :, 0].size
    for index in range(first_set, sets):
        for row in rows_by_use(state, core, index):
            if row.flagged:
                if limit_of(state, core, log) < 1:
                    return index
                log_row(state, core, row, Counter.LOG_SCAN, log)
                replace(state, core, row._replace(flagged=False))
    return sets


def fetch(state: CacheState, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> tuple[int, int]:
    """Read the newest version of each of `lines` (int64[n]) into `versions` (uint32[n]), wherever it is.

    Returns how many of them were found in the L2 of core 0, and how many only in those of other cores. The state stays
    as it is, recency included.
    """
    first = others = 0
    for index, line in enumerate(lines.tolist()):
        rows = dict(copies(state, line))
        versions[index] = next((row.version for row in rows.values() if row.dirty), state.memory[line])
        first += 0 in rows
        others += bool(rows) and 0 not in rows
    return first, others


def write_around(state: CacheState, lines: npt.NDArray[np.int64], log: LogState) -> None:
    """Write lines (int64[n]) coherently but not from a core, as DMA or the hypervisor do, in order.

    Each gets one more version, and no flag is set. Every cached copy is invalidated. Dirty data is written back first,
    a flagged address is logged as a transfer even if that takes `Register.LIMIT` below zero. Takes no guest time.
    """
    for line in lines.tolist():
        write_line_around(state, line, log)


def write_line_around(state: CacheState, line: int, log: LogState) -> None:
    """Write one line coherently but not from a core."""
    for core, row in copies(state, line):
        drop(state, core, line)
        if row.dirty:
            write_back(state, row)
        if row.flagged and state.policy[Policy.LEAVING] != Leaving.FORGET:
            log_row(state, core, row, Counter.LOG_TRANSFER, log)
    remove_from_l3(state, line)
    state.memory[line] = (int(state.memory[line]) + 1) % VERSION_MODULUS


def log_address(log: LogState, vm: int, line_address: int) -> bool:
    """Log an address (bytes) in a VM's log, uncounted and at no cost; return whether its collecting line was full.

    The collecting line is then written out.
    """
    registers, collecting = log.registers[vm], log.collecting[vm]
    collecting[registers[Register.COLLECTED]] = line_address
    registers[Register.COLLECTED] += 1
    registers[Register.LIMIT] -= 1
    return bool(registers[Register.COLLECTED] == len(collecting)) and flush(log, vm)


def flush(log: LogState, vm: int) -> bool:
    """Write a VM's collecting line to its log, padded, if it holds anything; return whether it did."""
    registers, collecting = log.registers[vm], log.collecting[vm]
    if not registers[Register.COLLECTED]:
        return False
    slot = int(registers[Register.NEXT] - registers[Register.INITIAL]) // ADDRESS_BYTES
    log.ring[vm, slot : slot + len(collecting)] = collecting
    collecting[:] = PADDING
    registers[Register.COLLECTED] = 0
    registers[Register.NEXT] += 8 * len(collecting)
    if registers[Register.NEXT] == registers[Register.WRAP]:
        registers[Register.NEXT] = registers[Register.INITIAL]
    return True


def reason_to_stop(
    state: CacheState, accesses: Accesses, position: int, core: int, deadline: int, quantum: int, log: LogState
) -> Why | None:
    """Return why record `position` of the core whose turn it is must not run now; `quantum` is what is left of it."""
    if quantum == 0:
        return Why.QUANTUM
    if state.clock[core] >= deadline:
        return Why.DEADLINE
    if position == accesses.length[core]:
        return Why.EXHAUSTED
    entries = entries_needed(state, core, access_at(state, accesses, core, position))
    return Why.LOG_LIMIT if entries > max(0, limit_of(state, core, log)) else None


def entries_needed(state: CacheState, core: int, access: Access) -> int:
    """Return how many addresses the access will log: those of flagged rows that it transfers or casts out."""
    row = find(state, core, access.line)
    if row is not None and (row.dirty or not access.write):
        return 0
    leaving = state.policy[Policy.LEAVING]
    moving = [copy for _, copy in copies(state, access.line, besides=core) if access.write or copy.dirty]
    victim = victim_for(state, core, access.line) if row is None else None
    transfers = sum(copy.flagged for copy in moving) if leaving == Leaving.LOG else 0
    return transfers + (victim is not None and victim.flagged and leaving != Leaving.FORGET)


def access_at(state: CacheState, accesses: Accesses, core: int, position: int) -> Access:
    """Return one record of the core's accesses."""
    columns = (accesses.block, accesses.write, accesses.count, accesses.instructions)
    block, write, count, instructions = (int(column[core, position]) for column in columns)
    return Access(block >> int(state.policy[Policy.LINE_SHIFT]), bool(write), count, instructions)


def execute(state: CacheState, core: int, access: Access, log: LogState) -> None:
    """Execute one record: its instructions, then its loads or stores."""
    state.instructions[core] += access.instructions
    charge(state, core, Cost.INSTRUCTION, times=access.instructions)
    state.counters[Counter.ACCESSES] += access.times
    if access.write:
        state.counters[Counter.STORES] += access.times
        store(state, core, access, log)
    else:
        load(state, core, access.line, log)
    state.tick[core] += 1


def load(state: CacheState, core: int, line: int, log: LogState) -> None:
    """Load a line: from L1, or else from L2 or beyond into L1."""
    if not way_in_l1(state, core, line):
        state.counters[Counter.L1_LOAD_MISSES] += 1
        row = find(state, core, line)
        if row is None:
            row = downgrade_others(state, core, miss(state, core, line), log)
            evict(state, core, line, log)
        else:
            charge(state, core, Cost.L2)
        make_most_recent(state, core, row)
    use_l1(state, core, line)


def store(state: CacheState, core: int, access: Access, log: LogState) -> None:
    """Store to a line, through L1 if it is there, into L2; unless nothing is tracked the row becomes flagged."""
    if way_in_l1(state, core, access.line):
        use_l1(state, core, access.line)
    row = find(state, core, access.line)
    if row is None:
        row = invalidate_others(state, core, miss(state, core, access.line), log)
        evict(state, core, access.line, log)
    elif not row.dirty:
        row = invalidate_others(state, core, row, log)
    if state.mode[core] == Mode.FIRST_STORES and not row.flagged:
        track_store(state, core, row)
    state.counters[Counter.DIRTIED] += not row.dirty
    version = (row.version + access.times) % VERSION_MODULUS
    make_most_recent(state, core, Row(access.line, version, row.flagged or bool(state.mode[core]), dirty=True))


def track_store(state: CacheState, core: int, row: Row) -> None:
    """Note a store to a row; if it is the first to its unit in this interval, keep the old version, at a cost."""
    unit = row.tag >> int(state.policy[Policy.UNIT_SHIFT])
    if state.tracked[unit]:
        return
    state.tracked[unit] = 1
    state.undo[row.tag : row.tag + 1] = row.version
    state.counters[Counter.FIRST_STORES] += 1
    charge_tracking(state, core, Cost.FIRST_STORE)
    state.buffered[core] += 1
    if state.buffered[core] == state.policy[Policy.BUFFER]:
        state.buffered[core] = 0
        state.counters[Counter.EXITS] += 1
        charge_tracking(state, core, Cost.EXIT)


def charge_tracking(state: CacheState, core: int, cost: Cost) -> None:
    """Let the core's clock advance by a cost of tracking, and keep account of it."""
    charge(state, core, cost)
    state.behind[core] += state.costs[core, cost]
    state.counters[Counter.TRACKING_FS] += state.costs[core, cost]


def miss(state: CacheState, core: int, line: int) -> Row:
    """Charge for the supplier of a line: another core's dirty row, else L3, else memory; return memory's row."""
    state.counters[Counter.L2_MISSES] += 1
    if any(copy.dirty for _, copy in copies(state, line, besides=core)):
        charge(state, core, Cost.TRANSFER)
    elif remove_from_l3(state, line):
        state.counters[Counter.L3_HITS] += 1
        charge(state, core, Cost.L3)
    else:
        charge(state, core, Cost.MEMORY)
    return Row(line, int(state.memory[line]))


def charge(state: CacheState, core: int, cost: Cost, times: int = 1) -> None:
    """Let the core's clock advance by a cost."""
    state.clock[core] += times * state.costs[core, cost]


def invalidate_others(state: CacheState, core: int, row: Row, log: LogState) -> Row:
    """Take a line that `core` stores to away from all other cores; return its row, dirty if dirty data moved in."""
    for other, copy in copies(state, row.tag, besides=core):
        drop(state, other, row.tag)
        row = transfer(state, core, row, other, copy, log)._replace(dirty=row.dirty or copy.dirty)
    return row


def downgrade_others(state: CacheState, core: int, row: Row, log: LogState) -> Row:
    """Clean the dirty row, if any, of a line that `core` loads; return that core's own row, clean."""
    for other, copy in copies(state, row.tag, besides=core):
        if copy.dirty:
            write_back(state, copy)
            replace(state, other, copy._replace(dirty=False, flagged=False))
            row = transfer(state, core, row, other, copy, log)
    return row


def transfer(state: CacheState, core: int, row: Row, other: int, copy: Row, log: LogState) -> Row:
    """Give `row` of `core` what the `copy` of core `other` has: dirty data, and its flag unless flags are logged."""
    leaving = state.policy[Policy.LEAVING]
    state.counters[Counter.TRANSFERS] += copy.dirty
    if copy.flagged and leaving == Leaving.LOG:
        log_row(state, other, copy, Counter.LOG_TRANSFER, log, payer=core)
    version = copy.version if copy.dirty else row.version
    return row._replace(version=version, flagged=row.flagged or (copy.flagged and leaving == Leaving.CARRY))


def copies(state: CacheState, line: int, besides: int = -1) -> Iterator[tuple[int, Row]]:
    """Yield every core that has the line in its L2, in index order and without `besides`, and its row."""
    for core in range(len(state.l2)):
        row = find(state, core, line)
        if row is not None and core != besides:
            yield core, row


def evict(state: CacheState, core: int, line: int, log: LogState) -> None:
    """Make room for a line in its L2 set: cast out the least recently used row if the set is full."""
    victim = victim_for(state, core, line)
    if victim is None:
        return
    drop(state, core, victim.tag)
    if victim.dirty:
        write_back(state, victim)
    if victim.flagged and state.policy[Policy.LEAVING] != Leaving.FORGET:
        log_row(state, core, victim, Counter.LOG_CASTOUT, log, payer=core)
    if state.l3.size:
        insert_in_l3(state, victim.tag)


def victim_for(state: CacheState, core: int, line: int) -> Row | None:
    """Return the row that a new line would cast out, or nothing if its set has an invalid row."""
    way = least_recently_used(set_of(state.l2_used, core, line))
    return unpack(set_of(state.l2, core, line)[way])


def make_most_recent(state: CacheState, core: int, row: Row) -> None:
    """Use a row: in the way where its line is, or else in the least recently used one."""
    used = set_of(state.l2_used, core, row.tag)
    way = way_in_l2(state, core, row.tag) or least_recently_used(used)
    set_of(state.l2, core, row.tag)[way] = pack(row)
    used[way] = state.tick[core]
    note_place(state, core, row.tag)


def replace(state: CacheState, core: int, row: Row) -> None:
    """Change the row that a line has, without using it."""
    set_of(state.l2, core, row.tag)[way_in_l2(state, core, row.tag)] = pack(row)


def drop(state: CacheState, core: int, line: int) -> None:
    """Invalidate a line in the core's L2 and, as that includes L1, in its L1."""
    l1_way, l2_way = way_in_l1(state, core, line), way_in_l2(state, core, line)
    set_of(state.l1, core, line)[l1_way] = INVALID
    set_of(state.l2, core, line)[l2_way] = INVALID_ROW
    set_of(state.l1_used, core, line)[l1_way] = set_of(state.l2_used, core, line)[l2_way] = 0
    note_place(state, core, line)


def write_back(state: CacheState, row: Row) -> None:
    """Write a dirty row's data to memory (140)."""
    state.memory[row.tag] = row.version
    state.counters[Counter.WRITEBACKS] += 1


def find(state: CacheState, core: int, line: int) -> Row | None:
    """Return the row of the core's L2 that holds the line."""
    return unpack(set_of(state.l2, core, line)[way_in_l2(state, core, line)])


def rows_by_use(state: CacheState, core: int, index: int) -> list[Row]:
    """Return the rows in set `index` of the core's L2, the most recently used first."""
    by_use = np.argsort(-state.l2_used[core, index])
    return [row for word in state.l2[core, index, by_use] if (row := unpack(word)) is not None]


def unpack(word: np.int64) -> Row | None:
    """Return the row that a 64-bit word of the state holds, or nothing if it is invalid."""
    if word < 0:
        return None
    tag, rest = divmod(int(word), 1 << TAG_SHIFT)
    return Row(tag, rest >> VERSION_SHIFT, flagged=bool(rest & FLAG), dirty=bool(rest & DIRTY))


def pack(row: Row) -> int:
    """Return a row as the 64-bit word that the state holds."""
    return row.tag << TAG_SHIFT | row.version << VERSION_SHIFT | row.flagged * FLAG | row.dirty * DIRTY


def use_l1(state: CacheState, core: int, line: int) -> None:
    """Make a line the most recent of its L1 set; if it is new to a full set, the least recently used one falls out."""
    ways, used = set_of(state.l1, core, line), set_of(state.l1_used, core, line)
    way = way_in_l1(state, core, line) or least_recently_used(used)
    fallen = int(ways[way])
    ways[way], used[way] = line, state.tick[core]
    for moved in {fallen, line} - {INVALID}:
        note_place(state, core, moved)


def note_place(state: CacheState, core: int, line: int) -> None:
    """Bring the place of a line up to date with where it is."""
    state.place[core, line] = way_in_l1(state, core, line) + 256 * way_in_l2(state, core, line)


def way_in_l1(state: CacheState, core: int, line: int) -> int:
    """Return the way of the core's L1 that holds the line, or 0, "not here"."""
    return int(np.argmax(set_of(state.l1, core, line) == line))


def way_in_l2(state: CacheState, core: int, line: int) -> int:
    """Return the way of the core's L2 that holds the line, or 0, "not here"."""
    return int(np.argmax(set_of(state.l2, core, line) >> TAG_SHIFT == line))


def least_recently_used(used: npt.NDArray[np.int64]) -> int:
    """Return the way of a set that was used least recently: an invalid one if there is any."""
    return 1 + int(np.argmin(used[1:]))


def set_of(level: npt.NDArray[Any], core: int, line: int) -> npt.NDArray[Any]:
    """Return the set of the core's L1 or L2 that a line belongs to."""
    return np.asarray(level[core, line % level.shape[1]])


def insert_in_l3(state: CacheState, line: int) -> None:
    """Make a line the most recent of its L3 set; if it is new to a full set, the least recently used one falls out."""
    ways = state.l3[line % len(state.l3)]
    ways[:] = [line, *ways[ways != line]][: len(ways)]


def remove_from_l3(state: CacheState, line: int) -> bool:
    """Invalidate a line in L3, if there is an L3; return whether the line was there."""
    found = line in state.l3
    if found:
        ways = state.l3[line % len(state.l3)]
        ways[:] = [*ways[ways != line], INVALID]
    return found


def limit_of(state: CacheState, core: int, log: LogState) -> int:
    """Return how many entries may still be logged for the VM that a core belongs to."""
    return int(log.registers[state.owner[core], Register.LIMIT])


def log_row(state: CacheState, core: int, row: Row, cause: Counter, log: LogState, payer: int | None = None) -> None:
    """Log the address of a core's row in its VM's log and count it under its cause; core `payer` waits for a write."""
    state.counters[cause] += 1
    address = row.tag << (6 + int(state.policy[Policy.LINE_SHIFT]))
    if log_address(log, int(state.owner[core]), address) and payer is not None:
        charge(state, payer, Cost.LOG_WRITE)
        state.behind[payer] += state.costs[payer, Cost.LOG_WRITE]
        state.counters[Counter.LOG_WRITE_FS] += state.costs[payer, Cost.LOG_WRITE]
