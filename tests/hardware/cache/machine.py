"""A processor unit small enough to follow by hand, driven by either twin, and random ones for hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from vmfailover.hardware.cache import kernel, reference
from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    INVALID,
    PADDING,
    TAG_SHIFT,
    VERSION_MODULUS,
    VERSION_SHIFT,
    Accesses,
    Cost,
    Counter,
    Leaving,
    Register,
    Stop,
    define_log,
    new_cache,
    new_logs,
)

TWINS = [reference, kernel]
FOREVER = 2**62
INITIAL = 4096
#: One decimal digit a cost, so that a clock tells which events it was charged for.
DECIMAL_COSTS = {
    Cost.INSTRUCTION: 1,
    Cost.L2: 10,
    Cost.L3: 100,
    Cost.MEMORY: 1_000,
    Cost.TRANSFER: 10_000,
    Cost.LOG_WRITE: 100_000,
    Cost.FIRST_STORE: 1_000_000,
    Cost.EXIT: 10_000_000,
}


def examples(count: int) -> settings:
    """Return hypothesis settings that give the same examples every time."""
    return settings(
        max_examples=count, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


class Record(NamedTuple):
    line: int
    write: bool
    times: int
    instructions: int


def load(line: int, times: int = 1, instructions: int = 0) -> Record:
    return Record(line, False, times, instructions)


def store(line: int, times: int = 1, instructions: int = 0) -> Record:
    return Record(line, True, times, instructions)


@dataclass(frozen=True)
class Geometry:
    cores: int = 1
    l1: tuple[int, int] = (1, 2)
    l2: tuple[int, int] = (1, 2)
    l3: tuple[int, int] = (0, 0)
    lines: int = 32
    line_shift: int = 0
    leaving: Leaving = Leaving.LOG
    unit_lines: int = 1
    buffer: int = 0
    keep_undo: bool = False
    #: Collecting lines that the log has room for.
    log_lines: int = 64

    @property
    def line_bytes(self) -> int:
        return 64 << self.line_shift


class Machine:
    """The state of one processor unit with a log for as many VMs as cores, and the twin that works on them.

    All cores are those of VM 0 to begin with.
    """

    def __init__(self, twin: ModuleType, geometry: Geometry, limit: int = 10**6) -> None:
        self.twin = twin
        self.geometry = geometry
        self.state = new_cache(
            cores=geometry.cores,
            l1=geometry.l1,
            l2=geometry.l2,
            l3=geometry.l3,
            memory=np.zeros(geometry.lines, np.uint32),
            line_shift=geometry.line_shift,
            leaving=geometry.leaving,
            unit_lines=geometry.unit_lines,
            buffer=geometry.buffer,
            keep_undo=geometry.keep_undo,
        )
        size = geometry.log_lines * geometry.line_bytes
        self.log = new_logs(vms=geometry.cores, size=size, line_bytes=geometry.line_bytes)
        for vm in range(geometry.cores):
            define_log(self.log, vm, initial=INITIAL + vm * size, size=size)
        self.state.mode[:] = 1
        self.state.costs[:] = list(DECIMAL_COSTS.values())
        self.log.registers[:, Register.LIMIT] = limit
        self.start = np.zeros(geometry.cores, np.int64)
        self.program = accesses([[]] * geometry.cores, geometry.line_shift)

    @property
    def registers(self) -> npt.NDArray[np.int64]:
        """The registers of VM 0's log."""
        registers: npt.NDArray[np.int64] = self.log.registers[0]
        return registers

    def give(self, programs: Sequence[Sequence[Record]]) -> None:
        """Put a program at hand for each core, in place of what was left of the last."""
        self.program = accesses(programs, self.geometry.line_shift)
        self.start[:] = 0

    def advance(self, deadline: int = FOREVER, quantum: int = FOREVER) -> Stop:
        stop: Stop = self.twin.advance(self.state, self.program, self.start, deadline, quantum, self.log)
        return stop

    def run(self, *programs: Sequence[Record]) -> Stop:
        """Give a program to each core, the cores without one idling, and run until one of them is exhausted."""
        self.give([*programs, *[[]] * (self.geometry.cores - len(programs))])
        return self.advance()

    def on(self, core: int, *records: Record) -> Stop:
        """Run records on one core while the others stand still."""
        clock = self.state.clock.copy()
        self.state.clock[:] = FOREVER
        self.state.clock[core] = clock[core]
        stop = self.run(*[records if other == core else [] for other in range(self.geometry.cores)])
        clock[core] = self.state.clock[core]
        self.state.clock[:] = clock
        return stop

    def scan(self, core: int = 0, first_set: int = 0) -> int:
        return int(self.twin.scan(self.state, core, self.log, first_set))

    def fetch(self, lines: Sequence[int]) -> tuple[tuple[int, int], list[int]]:
        """Return how many of the lines core 0 had, how many only others had, and the newest version of each."""
        versions = np.zeros(len(lines), np.uint32)
        first, others = self.twin.fetch(self.state, np.array(lines, np.int64), versions)
        return (int(first), int(others)), versions.tolist()

    def counters(self) -> dict[str, int]:
        """Return the counters that are not zero."""
        return {counter.name: int(self.state.counters[counter]) for counter in Counter if self.state.counters[counter]}

    def rows(self, core: int = 0, index: int = 0) -> list[tuple[int, int, str]]:
        """Return the rows of a set of L2, most recent first, as (line, version, flags): F is flagged, D is dirty."""
        words = by_use(self.state.l2[core, index], self.state.l2_used[core, index])
        return [decode(word) for word in words if word >= 0]

    def l1(self, core: int = 0, index: int = 0) -> list[int]:
        """Return the lines of a set of L1, most recent first."""
        lines = by_use(self.state.l1[core, index], self.state.l1_used[core, index])
        return [line for line in lines if line != INVALID]

    def l3(self, index: int = 0) -> list[int]:
        return [line for line in self.state.l3[index].tolist() if line != INVALID]

    def logged(self, vm: int = 0) -> list[int]:
        """Return the lines in a VM's log and collecting line, in order, provided the log has not wrapped."""
        registers = self.log.registers[vm]
        written = int(registers[Register.NEXT] - registers[Register.INITIAL]) // 8
        entries = [*self.log.ring[vm, :written], *self.log.collecting[vm]]
        return [int(entry) // self.geometry.line_bytes for entry in entries if entry != PADDING]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return copies of everything the caches and the log remember, by name.

        When way 0 was last used is left out, because no row is there.
        """
        named = {**self.state._asdict(), **self.log._asdict()}
        named["l1_used"], named["l2_used"] = self.state.l1_used[..., 1:], self.state.l2_used[..., 1:]
        return {name: np.array(value) for name, value in named.items()}


def by_use(ways: npt.NDArray[Any], used: npt.NDArray[np.int64]) -> list[int]:
    """Return what is in the ways of a set, most recently used first."""
    return [int(ways[way]) for way in sorted(range(1, len(ways)), key=lambda way: -used[way])]


def decode(word: int) -> tuple[int, int, str]:
    version = (word >> VERSION_SHIFT) % VERSION_MODULUS
    return word >> TAG_SHIFT, version, "F" * bool(word & FLAG) + "D" * bool(word & DIRTY)


def accesses(programs: Sequence[Sequence[Record]], line_shift: int) -> Accesses:
    """Return programs, one a core, as the arrays that both twins read; every block of a line gets its turn."""
    columns = np.zeros((4, len(programs), max(map(len, programs))), np.uint32)
    for core, program in enumerate(programs):
        for index, record in enumerate(program):
            block = record.line << line_shift | index & ((1 << line_shift) - 1)
            columns[:, core, index] = block, record.write, record.times, record.instructions
    return Accesses(
        block=columns[0],
        write=columns[1].astype(np.uint8),
        count=columns[2],
        instructions=columns[3],
        length=np.array([len(program) for program in programs], np.int64),
    )


def assert_same(one: dict[str, npt.NDArray[Any]], other: dict[str, npt.NDArray[Any]]) -> None:
    """Fail on the first array of two machines that differs."""
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


#: What may become of a flag where flags are logged.
LOGGED = (Leaving.LOG, Leaving.CARRY)
TIMES = [1, 1, 2, 3, 1000, VERSION_MODULUS - 1, VERSION_MODULUS, 2**32 - 1]


@st.composite
def geometries(
    draw: st.DrawFn, max_cores: int = 3, log_lines: int = 4, leavings: Sequence[Leaving] = tuple(Leaving)
) -> Geometry:
    """Draw a hierarchy with so few lines that they are evicted and shared all the time."""
    powers = st.sampled_from([1, 2, 4])
    ways = st.one_of(st.integers(1, 4), st.sampled_from([8, 16]))
    no_l3 = st.just((0, 0))
    keep_undo = draw(st.booleans())
    return Geometry(
        cores=draw(st.integers(1, max_cores)),
        l1=(draw(powers), draw(ways)),
        l2=(draw(powers), draw(ways)),
        l3=draw(st.one_of(no_l3, st.tuples(powers, st.integers(1, 4)))),
        lines=draw(st.sampled_from([3, 8, 24, 64])),
        line_shift=draw(st.integers(0, 1)),
        leaving=draw(st.sampled_from(leavings)),
        unit_lines=1 if keep_undo else draw(st.sampled_from([1, 2, 8])),
        buffer=draw(st.integers(0, 3)),
        keep_undo=keep_undo,
        log_lines=log_lines,
    )


def programs(geometry: Geometry, longest: int = 60) -> st.SearchStrategy[list[list[Record]]]:
    """Draw a program for each core; three bytes make a record, for speed."""
    sizes = st.integers(0, longest).map(lambda records: 3 * records)
    data = sizes.flatmap(lambda size: st.binary(min_size=size, max_size=size))
    program = data.map(lambda bytes_drawn: decode_program(bytes_drawn, geometry.lines))
    return st.lists(program, min_size=geometry.cores, max_size=geometry.cores)


def decode_program(data: bytes, lines: int) -> list[Record]:
    triples = zip(data[0::3], data[1::3], data[2::3], strict=False)
    return [Record(line % lines, kind % 2 == 1, TIMES[kind // 2 % 8], extra % 8) for line, kind, extra in triples]


def costs(cores: int) -> st.SearchStrategy[list[list[int]]]:
    """Draw the costs of each core; instructions always take time, so that every core gets its turn."""
    of_one_core = st.tuples(st.integers(1, 9), *[st.integers(0, 99)] * (len(Cost) - 1)).map(list)
    return st.lists(of_one_core, min_size=cores, max_size=cores)
