"""The cache hierarchy of one processor unit as plain arrays, which both twins advance.

A row (1210) of the write-back L2 is one 64-bit word: its tag (1212), the version of its cache line (1214), its
image-modification flag (1217) and its dirty bit; a negative word is an invalid row. A row stays in its way; beside it
stands when it was last used, so that the least recently used row of a set is the one with the smallest number, and
invalid rows, last used at 0, go first. Way 0 of every set stands for "not here" and holds no row.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vmfailover.scenario.sizes import ADDRESS_BYTES

#: An invalid row of L1 or L3.
INVALID = -1
#: Bits of a line's version; a version counts the stores to its line modulo 2 to this power.
VERSION_BITS = 30

DIRTY = 1
FLAG = 2
VERSION_SHIFT = 2
TAG_SHIFT = 32
#: An invalid row of L2: neither dirty nor flagged.
INVALID_ROW = INVALID << TAG_SHIFT
VERSION_MODULUS = 1 << VERSION_BITS
VERSION_MASK = (VERSION_MODULUS - 1) << VERSION_SHIFT


class Counter(IntEnum):
    """Index of each event count in `CacheState.counters`."""

    ACCESSES = 0
    STORES = 1
    #: Loads that missed L1 and went on to L2.
    L1_LOAD_MISSES = 2
    L2_MISSES = 3
    L3_HITS = 4
    #: Dirty rows whose data went to memory.
    WRITEBACKS = 5
    #: Rows that turned from clean to dirty.
    DIRTIED = 6
    #: Rows of another core's L2 whose dirty data moved to the core that asked.
    TRANSFERS = 7
    LOG_CASTOUT = 8
    LOG_SCAN = 9
    LOG_TRANSFER = 10
    #: Addresses logged by software, for writes that set no flag.
    LOG_SOFTWARE = 11
    #: Guest time spent writing the log to memory, femtoseconds.
    LOG_WRITE_FS = 12
    #: Units stored to for the first time in an interval (mode 2).
    FIRST_STORES = 13
    #: Times a buffer of modified units was full (mode 2).
    EXITS = 14
    #: Guest time spent on first stores and exits, femtoseconds.
    TRACKING_FS = 15
    #: Guest time of those that was made up for: a core that waited for an instant had the less to wait, femtoseconds.
    MADE_UP_FS = 16


class Cost(IntEnum):
    """Index of each cost in `CacheState.costs`, femtoseconds."""

    INSTRUCTION = 0
    L2 = 1
    L3 = 2
    MEMORY = 3
    #: A line fetched from another core's L2.
    TRANSFER = 4
    #: One collecting line written out to the log.
    LOG_WRITE = 5
    #: The first store to a unit in an interval (mode 2).
    FIRST_STORE = 6
    #: Emptying a full buffer of modified units (mode 2).
    EXIT = 7


class Mode(IntEnum):
    """What a core's stores do beside storing: values of `CacheState.mode`."""

    #: The second operating mode: nothing.
    UNTRACKED = 0
    #: The first operating mode: they set their row's flag.
    FLAGS = 1
    #: They set their row's flag, and one that finds it clear looks whether it is the first to its unit.
    FIRST_STORES = 2


class Leaving(IntEnum):
    """What becomes of the flag of a row that leaves its cache."""

    #: The line's address is logged.
    LOG = 0
    #: As `LOG`, but a transfer to another core carries the flag along.
    CARRY = 1
    #: Nothing: the flag only spares a look at `CacheState.tracked`.
    FORGET = 2


class Policy(IntEnum):
    """Index of each setting in `CacheState.policy`."""

    #: log2 of the 64-byte blocks in a line.
    LINE_SHIFT = 0
    #: A value of `Leaving`.
    LEAVING = 1
    #: log2 of the lines in a unit.
    UNIT_SHIFT = 2
    #: Units that a core's buffer takes before it exits; 0 for no buffer.
    BUFFER = 3


class Why(IntEnum):
    """Why `advance` stopped."""

    #: Every core has reached the deadline.
    DEADLINE = 0
    #: The core named in the answer has no more accesses at hand.
    EXHAUSTED = 1
    #: The next access of the core named in the answer needs more log than `Register.LIMIT` leaves.
    LOG_LIMIT = 2
    #: The quantum of records is used up.
    QUANTUM = 3


class Register(IntEnum):
    """Index of each register of an address log (200) in `LogState.registers`; the first five are byte addresses."""

    INITIAL = 0
    #: Where `NEXT` goes back to `INITIAL`.
    WRAP = 1
    NEXT = 2
    TAIL = 3
    SIZE = 4
    #: Entries in the collecting line, not yet written to the log.
    COLLECTED = 5
    #: Entries that may still be logged before the processor has to stop.
    LIMIT = 6


class CacheState(NamedTuple):
    """Everything that the cache hierarchy of one processor unit remembers."""

    #: True if several cores share the lines, None for a single one: the kernel is then compiled without all that deals
    #: with other cores.
    several: bool | None

    #: int32[cores, sets, 1 + ways]: line numbers in the store-through L1.
    l1: npt.NDArray[np.int32]
    #: int64[cores, sets, 1 + ways]: the tick at which each row of L1 was last used, 0 if invalid.
    l1_used: npt.NDArray[np.int64]
    #: int64[cores, sets, 1 + ways]: rows of the write-back L2, packed as the module says.
    l2: npt.NDArray[np.int64]
    #: int64[cores, sets, 1 + ways]: the tick at which each row of L2 was last used, 0 if invalid.
    l2_used: npt.NDArray[np.int64]
    #: uint16[cores, lines]: the way that holds a line in the core's L1, plus 256 times the way in its L2.
    place: npt.NDArray[np.uint16]
    #: int32[sets, ways]: line numbers in the shared victim L3, the most recent first; [0, 0] if there is none.
    #: It holds no data: write-backs pass through it to memory.
    l3: npt.NDArray[np.int32]
    #: uint32[lines]: the version of each line in memory (140).
    memory: npt.NDArray[np.uint32]
    #: int64[cores]: the number of the VM that each core belongs to, whose log takes the addresses of the core's rows.
    owner: npt.NDArray[np.int64]
    #: int64[cores]: values of `Mode`.
    mode: npt.NDArray[np.int64]
    #: int64[cores]: how far each core has come in the host's time, femtoseconds.
    clock: npt.NDArray[np.int64]
    #: int64[cores]: what logging, tracking and contention for memory have cost each core since it last waited for an
    #: instant, femtoseconds.
    behind: npt.NDArray[np.int64]
    #: int64[cores]: one more than the records each core has executed.
    tick: npt.NDArray[np.int64]
    #: int64[cores]: instructions executed by each core.
    instructions: npt.NDArray[np.int64]
    #: int64[cores, len(Cost)]: what an event costs a core, femtoseconds.
    costs: npt.NDArray[np.int64]
    #: int64[len(Counter)].
    counters: npt.NDArray[np.int64]
    #: int64[len(Policy)].
    policy: npt.NDArray[np.int64]
    #: uint8[units]: 1 for each unit stored to in this interval by cores in `Mode.FIRST_STORES`.
    #: A row's flag implies it.
    tracked: npt.NDArray[np.uint8]
    #: int64[cores]: units in each core's buffer.
    buffered: npt.NDArray[np.int64]
    #: uint32[lines]: the version that a tracked line had before its first store; [0] where nobody wants to know.
    undo: npt.NDArray[np.uint32]


class LogState(NamedTuple):
    """The address logs (200) of all VMs of a host in memory, as the cache controller writes them."""

    #: int64[vms, n]: real addresses, `PADDING` where a flushed line was not full; a smaller log uses the first entries.
    ring: npt.NDArray[np.int64]
    #: int64[vms, line / 8]: the collecting lines.
    collecting: npt.NDArray[np.int64]
    #: int64[vms, len(Register)].
    registers: npt.NDArray[np.int64]


class Accesses(NamedTuple):
    """The accesses at hand, one row a core; core c has `length[c]` records from column 0 on."""

    #: uint32[cores, n]: guest-physical address divided by 64.
    block: npt.NDArray[np.uint32]
    #: uint8[cores, n]: 1 for stores.
    write: npt.NDArray[np.uint8]
    #: uint32[cores, n]: equal accesses in a row.
    count: npt.NDArray[np.uint32]  # type: ignore[assignment]  # hides tuple.count
    #: uint32[cores, n]: instructions executed since the previous record.
    instructions: npt.NDArray[np.uint32]
    #: int64[cores].
    length: npt.NDArray[np.int64]


class Stop(NamedTuple):
    """What `advance` answers."""

    #: A value of `Why`.
    why: int
    #: The core that made it stop.
    core: int
    #: That core's next access.
    next: int
    #: Guest time that core has advanced, femtoseconds.
    elapsed: int


#: Fills the rest of a collecting line that is flushed before it is full.
PADDING = -1


def new_cache(
    *,
    cores: int,
    l1: tuple[int, int],
    l2: tuple[int, int],
    l3: tuple[int, int],
    memory: npt.NDArray[np.uint32],
    line_shift: int,
    leaving: Leaving = Leaving.LOG,
    unit_lines: int = 1,
    buffer: int = 0,
    keep_undo: bool = False,
) -> CacheState:
    """Return an empty hierarchy with all costs zero, every core VM 0's, in the second operating mode, at time 0.

    `l1`, `l2`, `l3` are (sets, ways), sets a power of two, (0, 0) for no L3; L1 and L2 have at most `MOST_WAYS` ways.
    `memory`, uint32[lines], is used as it is, not copied. A unit of `unit_lines` lines, a power of two, is what first
    stores are told apart by, and `keep_undo`, for units of one line, keeps what they overwrite.
    """
    l1_shape = (cores, l1[0], 1 + l1[1])
    l2_shape = (cores, l2[0], 1 + l2[1])
    return CacheState(
        several=True if cores > 1 else None,
        l1=np.full(l1_shape, INVALID, np.int32),
        l1_used=np.zeros(l1_shape, np.int64),
        l2=np.full(l2_shape, INVALID_ROW, np.int64),
        l2_used=np.zeros(l2_shape, np.int64),
        place=np.zeros((cores, memory.size), np.uint16),
        l3=np.full(l3, INVALID, np.int32),
        memory=memory,
        owner=np.zeros(cores, np.int64),
        mode=np.zeros(cores, np.int64),
        clock=np.zeros(cores, np.int64),
        behind=np.zeros(cores, np.int64),
        tick=np.ones(cores, np.int64),
        instructions=np.zeros(cores, np.int64),
        costs=np.zeros((cores, len(Cost)), np.int64),
        counters=np.zeros(len(Counter), np.int64),
        policy=np.array([line_shift, leaving, unit_lines.bit_length() - 1, buffer], np.int64),
        tracked=np.zeros(-(-memory.size // unit_lines), np.uint8),
        buffered=np.zeros(cores, np.int64),
        undo=np.zeros(memory.size if keep_undo else 0, np.uint32),
    )


def new_logs(*, vms: int, size: int, line_bytes: int) -> LogState:
    """Return room for the logs of `vms` VMs, of at most `size` bytes each, a multiple of `line_bytes`."""
    return LogState(
        ring=np.full((vms, size // ADDRESS_BYTES), PADDING, np.int64),
        collecting=np.full((vms, line_bytes // ADDRESS_BYTES), PADDING, np.int64),
        registers=np.zeros((vms, len(Register)), np.int64),
    )


def define_log(logs: LogState, vm: int, *, initial: int, size: int) -> None:
    """Let a VM's log, empty, be the `size` bytes from address `initial` on, a multiple of the line; `LIMIT` is 0."""
    registers = logs.registers[vm]
    registers[:] = 0
    registers[[Register.INITIAL, Register.NEXT, Register.TAIL]] = initial
    registers[Register.WRAP] = initial + size
    registers[Register.SIZE] = size
