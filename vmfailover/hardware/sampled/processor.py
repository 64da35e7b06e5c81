"""A processor unit (110) whose accesses are known by the units of memory that they store to."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import (
    CacheState,
    Cost,
    Counter,
    LogState,
    Mode,
    Stop,
    new_cache,
)
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import FS_PER_NS, HALTED, Held, Processor, Tracking
from vmfailover.hardware.sampled.execution import (
    NOTED,
    UNLOGGED,
    SampledState,
    log_units,
    note_units,
    run_cores,
    store_to_units,
    write_units,
)
from vmfailover.hardware.sampled.occupancy import Occupancy
from vmfailover.hardware.sampled.visits import WITHIN_TICK_BITS, Demand, VisitsAtHand
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.sizes import PAGE_BYTES


class SampledProcessor(Processor):
    """Cores that execute visits to units of memory, each a line of it, when their ticks of guest time come.

    Stores are in memory at once: there are no rows of caches, whose effects are counted by their means. A flag is a
    mark of its unit, which stays until a walk has logged it, since nothing is cast out.
    """

    def __init__(self, demand: Demand, spec: HostSpec, cores: int, memory: Memory, tracking: Tracking) -> None:
        """Use `cores` cores of the host, all VM 0's, in the second operating mode, for what `demand` says."""
        self._demand = demand
        self._occupancy = Occupancy(demand.sets, spec, cores)
        self._parts = np.array([each.parts for each in demand.sets])
        units = memory.versions.size
        self._sampled = SampledState(
            noted=np.zeros(units, np.uint32),
            unlogged=np.zeros(units, np.uint32),
            sizes=np.zeros(2, np.int64),
            visits=np.zeros((cores, len(demand.sets)), np.int64),
            cost=np.zeros(len(demand.sets), np.int64),
            offset=np.zeros(cores, np.int64),
        )
        first_page = np.array([each.first for each in demand.sets], np.int64)
        self._order = np.argsort(first_page, kind="stable")
        self._first_unit = first_page[self._order] * PAGE_BYTES // memory.line_bytes
        self._rate = max(1e-9, sum(each.rate * each.parts for each in demand.sets))
        #: When the interval began and how long the last one was, and when rows were cleaned last, as `_worked_s` says.
        self._since_s = self._lasted_s = self._cleaned_s = 0.0
        #: Called before anything of its state is looked at, or changed: its VM catches up.
        self.before_look: Callable[[], None] = lambda: None
        super().__init__(kernel, spec, cores, memory, tracking)
        self._sampled = self._sampled._replace(offset=self.offset)
        self._marks = (NOTED if tracking.mode == Mode.FIRST_STORES else 0) | (UNLOGGED if tracking.logs else 0)

    def _new_state(self) -> CacheState:
        tracking, row = self.tracking, (1, 1)
        return new_cache(
            cores=self.cores,
            l1=row,
            l2=row,
            l3=(0, 0),
            memory=self.memory.versions,
            line_shift=0,
            leaving=tracking.leaving,
            buffer=tracking.buffer,
            keep_undo=tracking.keep_undo,
        )

    # Executing.

    def advance_visits(
        self, visits: VisitsAtHand, start: npt.NDArray[np.int64], deadline_fs: int, quantum: int
    ) -> Stop:
        """Execute the visits at hand from `start` on, as `run_cores` says."""
        tick_fs = self._demand.tick_ns * FS_PER_NS
        core, why = run_cores(self.state, self._sampled, visits, start, tick_fs, self._marks, deadline_fs, quantum)
        return Stop(why, core, int(start[core]), 0)

    def tick_ns(self, position: int) -> int:
        """Return the guest time before which the visit at a position does not begin."""
        return (position >> WITHIN_TICK_BITS) * self._demand.tick_ns

    def execute_at_once(self, visits: VisitsAtHand) -> int:
        """Execute visits of the first core, whatever their ticks; return the time that takes, femtoseconds."""
        at_once = visits._replace(position=np.zeros_like(visits.position), end=np.zeros(1, np.int64))
        self.state.clock[0] = self.offset[0] = 0
        self.advance_visits(at_once, np.zeros(1, np.int64), HALTED, int(visits.length[0]) + 1)
        return int(self.state.clock[0])

    def occupy(self, core: int, duration_ns: int, now_ns: int) -> None:
        """Let a core spend time on something else than its visits, before the next ones of these."""
        self.before_look()
        super().occupy(core, duration_ns, now_ns)

    def set_first_mode(self, core: int, first: bool) -> None:
        """Put one core into the first operating mode (stores are noted) or the second (they are not)."""
        self.before_look()
        super().set_first_mode(core, first)

    def set_memory_factor(self, factor: float) -> None:
        """Make every fetch from memory take `factor` times as long, while something else uses the bandwidth."""
        self.before_look()
        super().set_memory_factor(factor)

    def set_slowdown(self, factor: float) -> None:
        """Make everything take `factor` times as long as it should."""
        self.before_look()
        super().set_slowdown(factor)

    def store(self, core: int, lines: range, logs: LogState) -> int:
        """Let a core store to lines, once to each; return how long that takes, nanoseconds, leaving its clock alone."""
        del logs
        self.before_look()
        memory_fs = int(self.state.costs[core, Cost.MEMORY])
        taken_fs = store_to_units(self.state, self._sampled, core, np.array(lines, np.int64), self._marks, memory_fs)
        return -(-int(taken_fs) // FS_PER_NS)

    def set_parallelism(self, core: int, parallelism: float) -> None:
        """Let misses overlap as much as the host's do, whoever asks."""

    def logging_ns(self, entries: int) -> int:
        """Return the longest time: accesses log nothing."""
        del entries
        return HALTED

    def _set_costs(self) -> None:
        super()._set_costs()
        costs, found = self.state.costs[0], self._occupancy
        instructions = np.array([each.instructions for each in self._demand.sets])
        whole = (
            instructions * costs[Cost.INSTRUCTION]
            + found.l2_hits_of_loads * costs[Cost.L2]
            + found.transfers * costs[Cost.TRANSFER]
            + found.l3_hits * costs[Cost.L3]
            + found.fetches * costs[Cost.MEMORY]
        )
        self._sampled.cost[:] = np.round(whole / self._parts)

    # Finding what is modified.

    @property
    def sets(self) -> int:
        """One walk finds everything."""
        return 1

    def scan(self, core: int, logs: LogState, first_set: int) -> int:
        """Log the units that are marked and take the marks away; return 1 when all are, 0 where the log ends it.

        The first core's walk finds those of all.
        """
        del first_set
        if core:
            return 1
        units = self.flagged_lines
        self.state.counters[Counter.LOG_SCAN] += self._log_first(units, units.size, logs)
        self._end_interval()
        return int(self._sampled.sizes[1] == 0)

    def log_castouts(self, logs: LogState) -> None:
        """Log the units that the L2s cannot hold any more, of each set the first ones that were stored to."""
        self.before_look()
        units = self._sampled.unlogged[: self._sampled.sizes[1]].astype(np.int64)
        sets = self._sets_of(units)
        within_s = self._worked_s - self._cleaned_s
        held = self._occupancy.modified_held(self.memory.line_bytes, within_s)
        leaving = np.bincount(sets, minlength=held.size) - np.ceil(held).astype(np.int64)
        order = np.argsort(sets, kind="stable")
        number = np.arange(units.size) - np.searchsorted(sets[order], sets[order])
        gone = np.zeros(units.size, np.bool_)
        gone[order] = number < leaving[sets[order]]
        out, kept = units[gone], units[~gone]
        self.state.counters[Counter.LOG_CASTOUT] += self._log_first(np.concatenate([out, kept]), out.size, logs)

    def _log_first(self, units: npt.NDArray[np.int64], number: int, logs: LogState) -> int:
        """Log the first so many of all unlogged units, int64[n], as far as the log goes; return how many those were."""
        done = int(log_units(logs, int(self.state.owner[0]), units[:number], self.memory.line_bytes))
        self.state.tracked[units[:done]] &= ~np.uint8(UNLOGGED)
        self._sampled.unlogged[: units.size - done] = units[done:]
        self._sampled.sizes[1] = units.size - done
        return done

    def _sets_of(self, units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the set to which each of some units, int64[n], belongs, the nearest before it if to none."""
        return self._order[np.maximum(0, np.searchsorted(self._first_unit, units, side="right") - 1)]

    @property
    def noted_units(self) -> npt.NDArray[np.int64]:
        """Units stored to in this interval, int64[n], in order."""
        self.before_look()
        return np.sort(self._sampled.noted[: self._sampled.sizes[0]]).astype(np.int64)

    def begin_interval(self) -> None:
        """Let the next store to each unit be a first one."""
        self.before_look()
        noted = self._sampled.noted[: self._sampled.sizes[0]]
        self.state.tracked[noted] &= ~np.uint8(NOTED)
        self._sampled.sizes[0] = 0
        self.state.buffered[:] = 0
        self._end_interval()

    def _end_interval(self) -> None:
        now_s = self._worked_s
        if now_s > self._since_s:
            self._lasted_s, self._since_s = now_s - self._since_s, now_s

    @property
    def _worked_s(self) -> float:
        """How long the guest's visits would have taken at their mean rates, which fluctuate, seconds."""
        return float(self._sampled.visits.sum() / self._rate)

    def note_stores(self, lines: npt.NDArray[np.int64]) -> None:
        """Note stores to lines (int64[n]) that are about to happen and are not the VM's own, at no cost."""
        self.before_look()
        note_units(self.state, self._sampled, lines)

    @property
    def flagged_lines(self) -> npt.NDArray[np.int64]:
        """Lines that the next walk logs, int64[n], in order."""
        self.before_look()
        return np.sort(self._sampled.unlogged[: self._sampled.sizes[1]]).astype(np.int64)

    def clean(self) -> int:
        """Return about how many lines of memory the rows are that are dirty, and that are written back."""
        dirty, self._cleaned_s = self.dirty_rows, self._worked_s
        return dirty

    @property
    def dirty_rows(self) -> int:
        """Dirty rows in all L2s in the mean, as lines of memory."""
        self.before_look()
        within_s = self._worked_s - self._cleaned_s
        return round(self._occupancy.dirty_lines(within_s) / self.memory.cache_lines)

    @property
    def dirty_lines_balance(self) -> bool:
        """Nothing is dirty."""
        return True

    # Memory.

    def fetch(self, lines: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint32], Held]:
        """Read lines (int64[n]): their versions, uint32[n], and about how many lines of the caches were in an L2."""
        self.before_look()
        sets = self._sets_of(lines)
        each = self._occupancy.held_of_modified(self.memory.line_bytes, self._lasted_s)
        held = float(np.bincount(sets, minlength=each.size) @ each)
        first = float(np.bincount(sets, minlength=each.size) @ (each / self._occupancy.vcpus))
        return self.memory.versions[lines], Held(round(first), round(held - first))

    def image(self) -> npt.NDArray[np.uint32]:
        """Return the version of every line, uint32[lines], in as much memory as has been written."""
        self.before_look()
        copy = Memory(self.memory.versions.size, 1)
        copy.copy_from(self.memory.versions)
        return copy.versions

    def written_units(self, unit_lines: int) -> npt.NDArray[np.int64]:
        """Return the units of so many lines of which any has ever been written, int64[n], in order."""
        self.before_look()
        return np.unique(np.flatnonzero(self.memory.versions) // unit_lines)

    def write_around(self, lines: npt.NDArray[np.int64], logs: LogState) -> None:
        """Write lines (int64[n]) by DMA or from the hypervisor, in order, which sets no flag."""
        self.before_look()
        del logs
        write_units(self.memory.versions, lines)

    def overwrite(self, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> None:
        """Overwrite distinct lines (int64[n]) with versions (uint32[n]) from elsewhere."""
        self.before_look()
        self.memory.apply(lines, versions)

    # Counting.

    def instructions(self, cores: Sequence[int]) -> int:
        """Instructions that cores have executed, in the mean of each visit."""
        self.before_look()
        return self._counted(np.array([each.instructions for each in self._demand.sets]), list(cores))

    def count(self, counter: Counter) -> int:
        """Return how often an event has happened since the start; of accesses and misses, in the mean of each visit."""
        self.before_look()
        sets, found = self._demand.sets, self._occupancy
        stores = np.array([each.burst * each.stores for each in sets])
        match counter:
            case Counter.STORES:
                return self._counted(stores)
            case Counter.ACCESSES:
                return self._counted(stores + np.array([each.loads for each in sets]))
            case Counter.L2_MISSES:
                return self._counted(found.fetches + found.l3_hits + found.transfers)
            case Counter.L3_HITS:
                return self._counted(found.l3_hits)
            case Counter.TRANSFERS:
                return self._counted(found.transfers)
        return super().count(counter)

    def _counted(self, each: npt.NDArray[np.float64], cores: Sequence[int] | None = None) -> int:
        """Return the sum over the visits executed of a number for each set, float64[sets]."""
        visits = self._sampled.visits if cores is None else self._sampled.visits[cores]
        return round(float(visits.sum(axis=0) / self._parts @ each))

    @property
    def working_cores(self) -> int:
        """Cores that have executed anything, at least 1: those over which the guest's time is to be averaged."""
        self.before_look()
        return max(1, int(np.count_nonzero(self._sampled.visits.any(axis=1))))
