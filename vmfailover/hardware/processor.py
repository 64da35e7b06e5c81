"""The processor unit (110) with its caches (120)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import (
    DIRTY,
    FLAG,
    INVALID,
    INVALID_ROW,
    TAG_SHIFT,
    VERSION_MASK,
    VERSION_SHIFT,
    Accesses,
    CacheState,
    Cost,
    Counter,
    Leaving,
    LogState,
    Mode,
    Stop,
    new_cache,
)
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.memory import Memory
from vmfailover.scenario.hosts import HostSpec
from vmfailover.traces.accesses import BLOCK_BYTES

#: Femtoseconds in a nanosecond, in which the kernel keeps time.
FS_PER_NS = 1_000_000
#: Clock of a core that executes no access any more, since its stream has ended or it has no time left for it,
#: femtoseconds: two and a half hours, longer than any run.
HALTED = (1 << 63) - 2


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a protocol asks of the processors: which of the VM's stores they note, and what that costs."""

    #: What stores do in the first operating mode.
    mode: Mode = Mode.FLAGS
    leaving: Leaving = Leaving.LOG
    #: Lines of the unit whose first store in an interval is noted; a power of two.
    unit_lines: int = 1
    first_store_fs: int = 0
    #: Units that a core can note before it exits, 0 for any number.
    buffer: int = 0
    exit_fs: int = 0
    #: Whether what a first store overwrites is kept.
    keep_undo: bool = False

    @property
    def logs(self) -> bool:
        """Whether the VM's accesses can log addresses."""
        return self.mode != Mode.UNTRACKED and self.leaving != Leaving.FORGET


class Held(NamedTuple):
    """How many of some lines were in an L2; the others were in memory."""

    #: In that of the first core.
    first: int
    #: In those of other cores only.
    others: int

    @property
    def lines(self) -> int:
        """Lines in any of them."""
        return self.first + self.others


#: Flags, logged wherever a row leaves its cache.
FLAGS = Tracking()


class Processor:
    """Cores that execute the accesses of VMs through their caches, in the first or the second operating mode.

    Every core's clock is the host's time. A VM's own, guest time, stands still while the VM does.
    """

    def __init__(self, twin: CacheTwin, spec: HostSpec, cores: int, memory: Memory, tracking: Tracking = FLAGS) -> None:
        """Use `cores` cores of the host, all VM 0's, in the second operating mode, with empty caches over `memory`."""
        self._twin = twin
        self.spec = spec
        self.cores = cores
        self.memory = memory
        self.tracking = tracking
        self.state = self._new_state()
        #: int64[cores]: the host's time less the guest time of each core's VM, femtoseconds.
        self.offset = np.zeros(cores, np.int64)
        #: int64[cores]: the host's time from which on each core idles, and until when, femtoseconds.
        self._busy_until, self._idle_until = np.full((2, cores), -1, np.int64)
        self._memory_factor = 1.0
        #: Times as long as it should that everything takes now.
        self.slowdown = 1.0
        self._parallelism = [spec.memory.parallelism] * cores
        self._set_costs()

    def _new_state(self) -> CacheState:
        spec, tracking = self.spec, self.tracking
        l3 = (spec.l3.sets(spec.line), spec.l3.ways) if spec.l3 else (0, 0)
        return new_cache(
            cores=self.cores,
            l1=(spec.l1.sets(spec.line), spec.l1.ways),
            l2=(spec.l2.sets(spec.line), spec.l2.ways),
            l3=l3,
            memory=self.memory.versions,
            line_shift=(spec.line // 64).bit_length() - 1,
            leaving=tracking.leaving,
            unit_lines=tracking.unit_lines,
            buffer=tracking.buffer,
            keep_undo=tracking.keep_undo,
        )

    def __repr__(self) -> str:
        """Return what its caches hold."""
        flagged = self.flagged_lines.size
        return f"<Processor, {self.cores} cores: {self.dirty_rows} dirty rows, {flagged} lines flagged>"

    def cycles_fs(self, cycles: float) -> int:
        """Return the duration of a number of cycles in femtoseconds."""
        return round(cycles * 1e15 / self.spec.clock)

    def assign(self, cores: Sequence[int], vm: int) -> None:
        """Give cores to a VM, whose log takes their addresses."""
        self.state.owner[list(cores)] = vm

    def start(self, cores: Sequence[int], now_ns: int, guest_ns: int) -> None:
        """Set the clocks of a VM's cores to now, which is a given guest time."""
        self.state.clock[list(cores)] = now_ns * FS_PER_NS
        self.offset[list(cores)] = (now_ns - guest_ns) * FS_PER_NS

    def idle(self, core: int, guest_ns: int) -> None:
        """Let a core execute nothing before a guest time."""
        self._busy_until[core] = self.state.clock[core]
        self._idle_until[core] = min(int(self.offset[core]) + guest_ns * FS_PER_NS, HALTED)
        self.state.clock[core] = max(self._busy_until[core], self._idle_until[core])

    def occupy(self, core: int, duration_ns: int, now_ns: int) -> None:
        """Let a core spend time on something else than its accesses, before the next ones of these.

        One that idles begins now, and has the less idle time.
        """
        clock, duration_fs = self.state.clock, duration_ns * FS_PER_NS
        if clock[core] == self._idle_until[core]:
            self._busy_until[core] = max(int(self._busy_until[core]), now_ns * FS_PER_NS) + duration_fs
            clock[core] = max(self._busy_until[core], self._idle_until[core])
        else:
            clock[core] = min(int(clock[core]) + duration_fs, HALTED)

    def wait(self, core: int, until_ns: int) -> None:
        """Let a core execute nothing up to an instant, if that is not past for it."""
        if until_ns * FS_PER_NS > self.state.clock[core]:
            self.state.clock[core] = until_ns * FS_PER_NS
            self.make_up(core)

    def fall_behind(self, cores: Sequence[int], duration_fs: int) -> None:
        """Know that cores are later than they would be unprotected, by so much together."""
        self.state.behind[list(cores)] += duration_fs // len(cores)

    def make_up(self, core: int) -> None:
        """Know that a core is as far as it would be unprotected, since it waits for an instant."""
        self.state.counters[Counter.MADE_UP_FS] += self.state.behind[core]
        self.state.behind[core] = 0

    def stand_still(self, cores: Sequence[int], duration_ns: int) -> None:
        """Let time pass in which the cores' VM has stood still."""
        duration_fs = duration_ns * FS_PER_NS
        for core in cores:
            self.state.clock[core] = min(int(self.state.clock[core]) + duration_fs, HALTED)
        for times in (self.offset, self._busy_until, self._idle_until):
            times[list(cores)] += duration_fs

    def halt(self, core: int) -> None:
        """Let a core execute nothing any more."""
        self.state.clock[core] = HALTED

    def set_first_mode(self, core: int, first: bool) -> None:
        """Put one core into the first operating mode (stores are noted) or the second (they are not)."""
        self.state.mode[core] = self.tracking.mode if first else Mode.UNTRACKED

    def set_parallelism(self, core: int, parallelism: float) -> None:
        """Let a core's misses overlap: every stall is its latency divided by `parallelism`, 0.0 for the host's own.

        More than the host's own is not possible.
        """
        most = self.spec.memory.parallelism
        possible = min(parallelism or most, most)
        if possible != self._parallelism[core]:
            self._parallelism[core] = possible
            self._set_costs()

    def set_memory_factor(self, factor: float) -> None:
        """Make every fetch from memory take `factor` times as long, while something else uses the bandwidth."""
        self._memory_factor = factor
        self._set_costs()

    def set_slowdown(self, factor: float) -> None:
        """Make everything take `factor` times as long as it should."""
        self.slowdown = factor
        self._set_costs()

    def _set_costs(self) -> None:
        spec, costs = self.spec, self.state.costs
        overlap = np.array(self._parallelism)
        memory_fs = spec.memory.latency * FS_PER_NS * self._memory_factor
        l3_fs = self.cycles_fs(spec.l3.latency) if spec.l3 else memory_fs
        costs[:, Cost.INSTRUCTION] = self.cycles_fs(spec.base_cpi)
        costs[:, Cost.L2] = np.round(self.cycles_fs(spec.l2.latency) / overlap)
        costs[:, Cost.L3] = np.round(l3_fs / overlap)
        costs[:, Cost.TRANSFER] = np.round(spec.core_to_core * FS_PER_NS / overlap)
        costs[:, Cost.MEMORY] = np.round(memory_fs / overlap)
        answers_fs = [memory_fs, l3_fs, *([spec.core_to_core * FS_PER_NS] if self.cores > 1 else [])]
        self._least_miss_fs = int(min(answers_fs) / spec.memory.parallelism * min(1.0, self.slowdown))
        costs[:, Cost.LOG_WRITE] = spec.line * 10**15 // spec.memory.bandwidth
        costs[:, Cost.FIRST_STORE] = self.tracking.first_store_fs
        costs[:, Cost.EXIT] = self.tracking.exit_fs
        if self.slowdown != 1:
            costs[:] = np.round(costs * self.slowdown)

    def logging_ns(self, entries: int) -> int:
        """Return a time in which the VM's accesses log no more than so many entries, whatever they are.

        Only a miss logs: the row that it drives out and, of another core, that of its own line, which has no other
        copy if it is flagged. No core's misses follow each other faster than the nearest answer arrives.
        """
        misses = entries // (self.cores * min(self.cores, 2))
        return max(0, misses - 1) * self._least_miss_fs // FS_PER_NS

    def advance(
        self, accesses: Accesses, start: npt.NDArray[np.int64], deadline_fs: int, quantum: int, logs: LogState
    ) -> Stop:
        """Execute accesses as the twin's `advance` says."""
        return self._twin.advance(self.state, accesses, start, deadline_fs, quantum, logs)

    @property
    def sets(self) -> int:
        """Sets of each core's L2, all of which a walk over the flags looks at."""
        return self.spec.l2.sets(self.spec.line)

    def store(self, core: int, lines: range, logs: LogState) -> int:
        """Let a core store to lines, once to each; return how long that takes, nanoseconds, leaving its clock alone."""
        clocks, shape = self.state.clock.copy(), (self.cores, len(lines))
        accesses = Accesses(
            block=np.zeros(shape, np.uint32),
            write=np.ones(shape, np.uint8),
            count=np.ones(shape, np.uint32),
            instructions=np.zeros(shape, np.uint32),
            length=np.zeros(self.cores, np.int64),
        )
        accesses.block[core] = np.array(lines) * (self.spec.line // BLOCK_BYTES)
        accesses.length[core] = len(lines)
        self.state.clock[:] = HALTED
        self.state.clock[core] = 0
        self.advance(accesses, np.zeros(self.cores, np.int64), HALTED, len(lines) + 1, logs)
        taken_fs = int(self.state.clock[core])
        self.state.clock[:] = clocks
        return -(-taken_fs // FS_PER_NS)

    def scan(self, core: int, logs: LogState, first_set: int) -> int:
        """Walk a core's flags as the twin's `scan` says."""
        return self._twin.scan(self.state, core, logs, first_set)

    def log_castouts(self, logs: LogState) -> None:
        """Log what has been cast out of caches, which has been done by then where it was executed."""

    @property
    def scan_walk_ns(self) -> int:
        """Time that one walk over all flags takes; the cores' controllers walk side by side."""
        sets = self.spec.l2.sets(self.spec.line)
        return -(-self.cycles_fs(sets * self.spec.scan_cycles_per_set) // FS_PER_NS)

    def fetch(self, lines: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint32], Held]:
        """Read lines (int64[n]) coherently: their versions, uint32[n], and how many of them were in an L2."""
        versions = np.empty(lines.size, np.uint32)
        return versions, Held(*map(int, self._twin.fetch(self.state, lines, versions)))

    def image(self) -> npt.NDArray[np.uint32]:
        """Return the newest version of every line, as `fetch` reads them, uint32[lines]."""
        versions = self.memory.versions.copy()
        dirty = self.state.l2[self.state.l2 & DIRTY != 0]
        versions[dirty >> TAG_SHIFT] = (dirty & VERSION_MASK) >> VERSION_SHIFT
        return versions

    def written_units(self, unit_lines: int) -> npt.NDArray[np.int64]:
        """Return the units of so many lines of which any has ever been written, int64[n], in order."""
        versions = self.memory.versions
        written = np.maximum.reduceat(versions, np.arange(0, versions.size, unit_lines)) > 0
        written[(self.state.l2[self.state.l2 & DIRTY != 0] >> TAG_SHIFT) // unit_lines] = True
        return np.flatnonzero(written)

    def write_around(self, lines: npt.NDArray[np.int64], logs: LogState) -> None:
        """Write lines (int64[n]) by DMA or from the hypervisor, in order, which sets no flag."""
        self._twin.write_around(self.state, lines, logs)

    def note_stores(self, lines: npt.NDArray[np.int64]) -> None:
        """Note stores to lines (int64[n]) that are about to happen and are not the VM's own, at no cost."""
        versions, _ = self.fetch(lines)
        units = lines // self.tracking.unit_lines
        if self.tracking.keep_undo:
            fresh = self.state.tracked[units] == 0
            self.state.undo[lines[fresh]] = versions[fresh]
        self.state.tracked[units] = 1

    @property
    def noted_units(self) -> npt.NDArray[np.int64]:
        """Units stored to in this interval, int64[n], in order."""
        return np.flatnonzero(self.state.tracked.view(np.bool_))

    def begin_interval(self) -> None:
        """Let the next store to each unit be a first one."""
        rows = self.state.l2
        rows &= ~FLAG
        self.state.tracked[:] = 0
        self.state.buffered[:] = 0

    def clean(self) -> int:
        """Write back every dirty row, which stays, clean and unflagged; return how many there were."""
        rows = self.state.l2
        dirty = rows[rows & DIRTY != 0]
        self.state.memory[dirty >> TAG_SHIFT] = (dirty & VERSION_MASK) >> VERSION_SHIFT
        self.state.counters[Counter.WRITEBACKS] += dirty.size
        rows &= ~(DIRTY | FLAG)
        return int(dirty.size)

    def overwrite(self, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> None:
        """Overwrite distinct lines (int64[n]) with versions (uint32[n]) from elsewhere; cached copies are invalidated.

        The data of a dirty row is lost, though it counts as written back.
        """
        state = self.state
        for core in range(self.cores):
            places = state.place[core, lines].astype(np.int64)
            _drop(state.l1[core], state.l1_used[core], lines, places & 0xFF, INVALID)
            dropped = _drop(state.l2[core], state.l2_used[core], lines, places >> 8, INVALID_ROW)
            state.counters[Counter.WRITEBACKS] += np.count_nonzero(dropped & DIRTY)
            state.place[core, lines] = 0
        self.memory.apply(lines, versions)

    def instructions(self, cores: Sequence[int]) -> int:
        """Instructions that cores have executed."""
        return int(self.state.instructions[list(cores)].sum())

    def count(self, counter: Counter) -> int:
        """Return how often an event has happened since the start."""
        return int(self.state.counters[counter])

    @property
    def working_cores(self) -> int:
        """Cores that have executed anything, at least 1: those over which the guest's time is to be averaged."""
        return max(1, int(np.count_nonzero(self.state.tick > 1)))

    @property
    def dirty_rows(self) -> int:
        """Dirty rows in all L2s."""
        return int(np.count_nonzero(self.state.l2 & DIRTY))

    @property
    def flagged_lines(self) -> npt.NDArray[np.int64]:
        """Lines with a flagged row in some L2, int64[n]."""
        rows = self.state.l2
        flagged: npt.NDArray[np.int64] = rows[rows & FLAG != 0] >> TAG_SHIFT
        return flagged

    @property
    def dirty_lines_balance(self) -> bool:
        """Whether every row that turned dirty has been written back or is dirty still."""
        return self.count(Counter.DIRTIED) == self.count(Counter.WRITEBACKS) + self.dirty_rows


def _drop(
    level: npt.NDArray[Any],
    used: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    ways: npt.NDArray[np.int64],
    invalid: int,
) -> npt.NDArray[Any]:
    """Invalidate the rows of lines in one cache, where their way is not 0, "not here"; return the rows as they were."""
    here = ways > 0
    place = lines[here] % len(level), ways[here]
    dropped: npt.NDArray[Any] = level[place]
    level[place] = invalid
    used[place] = 0
    return dropped
