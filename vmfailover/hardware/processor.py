"""The processor unit (110) with its caches (120)."""

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.state import FLAG, TAG_SHIFT, Accesses, Cost, Counter, Stop, new_cache
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.memory import Memory
from vmfailover.scenario.hosts import HostSpec

#: Femtoseconds in a nanosecond, in which the kernel keeps guest time.
FS_PER_NS = 1_000_000


class Processor:
    """Cores that execute a VM's accesses through their caches, in the first or the second operating mode."""

    def __init__(self, twin: CacheTwin, spec: HostSpec, cores: int, memory: Memory, *, carry_flags: bool) -> None:
        """Use `cores` cores of the host, all in the second operating mode, with empty caches over `memory`."""
        self._twin = twin
        self.spec = spec
        self.cores = cores
        self.memory = memory
        l3 = (spec.l3.sets(spec.line), spec.l3.ways) if spec.l3 else (0, 0)
        self.state = new_cache(
            cores=cores,
            l1=(spec.l1.sets(spec.line), spec.l1.ways),
            l2=(spec.l2.sets(spec.line), spec.l2.ways),
            l3=l3,
            memory=memory.versions,
            line_shift=(spec.line // 64).bit_length() - 1,
            carry_flags=carry_flags,
        )
        self._memory_factor = 1.0
        self._parallelism = [spec.memory.parallelism] * cores
        self._set_costs()

    def cycles_fs(self, cycles: float) -> int:
        """Return the duration of a number of cycles in femtoseconds."""
        return round(cycles * 1e15 / self.spec.clock)

    def set_first_mode(self, core: int, first: bool) -> None:
        """Put one core into the first operating mode (stores are flagged) or the second (they are not)."""
        self.state.mode[core] = first

    def set_parallelism(self, core: int, parallelism: float) -> None:
        """Let a core's misses overlap: every stall is its latency divided by `parallelism`, 0.0 for the host's own."""
        self._parallelism[core] = parallelism or self.spec.memory.parallelism
        self._set_costs()

    def set_memory_factor(self, factor: float) -> None:
        """Make every fetch from memory take `factor` times as long, while something else uses the bandwidth."""
        self._memory_factor = factor
        self._set_costs()

    def _set_costs(self) -> None:
        spec, costs = self.spec, self.state.costs
        overlap = np.array(self._parallelism)
        memory_fs = spec.memory.latency * FS_PER_NS * self._memory_factor
        l3_fs = self.cycles_fs(spec.l3.latency) if spec.l3 else memory_fs
        costs[:, Cost.INSTRUCTION] = self.cycles_fs(spec.base_cpi)
        costs[:, Cost.L2] = np.round(self.cycles_fs(spec.l2.latency) / overlap)
        costs[:, Cost.L3] = costs[:, Cost.TRANSFER] = np.round(l3_fs / overlap)
        costs[:, Cost.MEMORY] = np.round(memory_fs / overlap)
        costs[:, Cost.LOG_WRITE] = spec.line * 10**15 // spec.memory.bandwidth

    def advance(
        self, accesses: Accesses, start: npt.NDArray[np.int64], deadline_fs: int, quantum: int, log: AddressLog
    ) -> Stop:
        """Execute accesses as the twin's `advance` says."""
        return self._twin.advance(self.state, accesses, start, deadline_fs, quantum, log.state)

    def scan(self, core: int, log: AddressLog, first_set: int) -> int:
        """Walk a core's flags as the twin's `scan` says."""
        return self._twin.scan(self.state, core, log.state, first_set)

    @property
    def scan_walk_ns(self) -> int:
        """Time that one walk over all flags takes; the cores' controllers walk side by side."""
        sets = self.spec.l2.sets(self.spec.line)
        return -(-self.cycles_fs(sets * self.spec.scan_cycles_per_set) // FS_PER_NS)

    def fetch(self, lines: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint32], int]:
        """Read lines (int64[n]) coherently: their versions, uint32[n], and how many some L2 held."""
        versions = np.empty(lines.size, np.uint32)
        return versions, int(self._twin.fetch(self.state, lines, versions))

    def write_around(self, line: int, log: AddressLog) -> None:
        """Write a line by DMA or from the hypervisor, which sets no flag."""
        self._twin.write_around(self.state, line, log.state)

    def count(self, counter: Counter) -> int:
        """Return how often an event has happened since the start."""
        return int(self.state.counters[counter])

    @property
    def dirty_rows(self) -> int:
        """Dirty rows in all L2s."""
        return int(np.count_nonzero(self.state.l2[:, :, 1:] & 1))

    @property
    def flagged_lines(self) -> npt.NDArray[np.int64]:
        """Lines with a flagged row in some L2, int64[n]."""
        rows = self.state.l2[:, :, 1:]
        flagged: npt.NDArray[np.int64] = rows[rows & FLAG != 0] >> TAG_SHIFT
        return flagged

    @property
    def dirty_lines_balance(self) -> bool:
        """Whether every row that turned dirty has been written back or is dirty still."""
        return self.count(Counter.DIRTIED) == self.count(Counter.WRITEBACKS) + self.dirty_rows
