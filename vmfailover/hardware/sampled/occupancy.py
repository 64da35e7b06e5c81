"""What caches hold of sets of pages whose visits are known by their rates.

Che's approximation: a line is held for as long as the cache takes to be filled anew, a time that is the same for all
lines (Che, Tung and Wang, "Hierarchical Web caching systems", IEEE JSAC 20(7), 2002).
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.sampled.visits import SetDemand
from vmfailover.scenario.hosts import CacheLevel, HostSpec
from vmfailover.scenario.sizes import PAGE_BYTES

#: No line is held for longer, seconds.
LONGEST_S = 1e6
_HALVINGS = 60

Column = npt.NDArray[np.float64]


class Occupancy:
    """The share of each set's lines that the caches of a host hold, and what the others cost."""

    def __init__(self, sets: Sequence[SetDemand], host: HostSpec, cores: int) -> None:
        """Share the caches of so many cores between the sets, each visited by its vCPUs alike."""
        self._host = host
        self.line_bytes = host.line
        #: float64[sets]: lines of each.
        self.lines = np.array([each.pages * max(each.within, host.line) // host.line for each in sets], np.float64)
        self._within = np.array([max(each.within, host.line) for each in sets], np.int64)
        self._stride = np.array([each.stride for each in sets], np.int64)
        self.stream = np.array([each.stream for each in sets])
        self.vcpus = np.array([each.vcpus for each in sets], np.float64)
        self.visits = np.array([each.rate for each in sets])
        self._loads = np.array([each.loads for each in sets])
        #: float64[sets]: lines that a visit stores to.
        self.burst_lines = np.array([each.burst_lines for each in sets])
        loads = np.where(self.stream, 0.0, self.visits * self._loads / self.lines)
        #: float64[sets]: times in a second that a line is stored to, that it is loaded from, and both.
        self.stored, self.loaded = self.visits * self.burst_lines / self.lines, loads
        self.accessed = self.stored + self.loaded
        none, rows = np.zeros(len(sets)), cores * _rows(host.l2, host.line)
        #: Time for which the L2s hold a line, seconds.
        self.held_s = self._time_to_fill(lambda time_s: self._copies(self.stored, time_s), rows)
        l1_s = self._time_to_fill(lambda time_s: self._copies(none, time_s), cores * _rows(host.l1, host.line))
        beyond_s = self._time_to_fill(
            lambda time_s: self.reached(self.accessed, time_s), rows + _rows(host.l3, host.line)
        )
        self._l1_held = self._share_held(self._own(none, l1_s), loads, l1_s)
        self._l2_own = self._share_held(self._own(self.stored, self.held_s), self.accessed, self.held_s)
        self._l2_held = self._share_held(self.reached(self.accessed, self.held_s), self.accessed, self.held_s)
        self._l3_held = self._share_held(self.reached(self.accessed, beyond_s), self.accessed, beyond_s)

    def _time_to_fill(self, share: Callable[[float], Column], rows: float) -> float:
        """Return the time after which so many rows are needed for a share of each set's lines, float64[sets]."""

        def filled(time_s: float) -> float:
            return float((self.lines * share(time_s)).sum())

        low, high = 1e-12, LONGEST_S
        if filled(high) <= rows:
            return LONGEST_S
        for _ in range(_HALVINGS):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if filled(middle) > rows else (middle, high)
        return high

    def _own(self, stored: Column, time_s: float) -> Column:
        """Return the chance that a core has a line that it holds for a time unless another core stores to it."""
        accessed = (stored + self.loaded) / self.vcpus
        lost = stored * (1 - 1 / self.vcpus)
        held = accessed / np.maximum(1e-300, accessed + lost) * -np.expm1(-(accessed + lost) * time_s)
        own: Column = np.where(self.stream, self.reached(self.stored, time_s) / self.vcpus, held)
        return own

    def _copies(self, stored: Column, time_s: float) -> Column:
        """Return how many cores have a line, in the mean."""
        return self.vcpus * self._own(stored, time_s)

    def reached(self, rate: Column, time_s: float) -> Column:
        """Return the share of each set's lines that accesses at a rate reach in a time, float64[sets]."""
        reached: Column = np.where(self.stream, np.minimum(1.0, rate * time_s), -np.expm1(-rate * time_s))
        return reached

    def _share_held(self, share: Column, rate: Column, time_s: float) -> Column:
        """Return the chance that a line is held when it is accessed: one of a stream only if all of it is."""
        held: Column = np.where(self.stream, rate * time_s >= 1, share)
        return held

    # Misses of a visit, float64[sets]: those of its stores and of its loads.

    @property
    def l2_hits_of_loads(self) -> Column:
        """Loads of a visit that the core's own L2 answers."""
        return self._load_misses * self._l2_own

    @property
    def transfers(self) -> Column:
        """Lines of a visit that the L2 of another core has."""
        return self._touched * np.maximum(0.0, self._l2_held - self._l2_own)

    @property
    def l3_hits(self) -> Column:
        """Lines of a visit that the L3 has."""
        hits: Column = self._touched * np.maximum(0.0, self._l3_held - self._l2_held)
        return hits

    @property
    def fetches(self) -> Column:
        """Lines of a visit that come from memory."""
        fetched: Column = self._touched * (1 - np.maximum(self._l3_held, self._l2_held))
        return fetched

    @property
    def _load_misses(self) -> Column:
        misses: Column = self._loads * (1 - np.where(self.stream, 1.0, self._l1_held))
        return misses

    @property
    def _touched(self) -> Column:
        """Lines of a visit that its core looks for beyond its L1."""
        return self.burst_lines + self._load_misses

    # Lines of units that have been modified.

    def held_of_modified(self, unit_bytes: int, within_s: float) -> Column:
        """Return the lines that caches hold, in the mean, of a unit that was modified within a time, float64[sets]."""
        unit_lines, modified = self._unit_lines(unit_bytes), self._modified(unit_bytes)
        elsewhere = np.exp(-modified * within_s - self.stored * max(0.0, self.held_s - within_s))
        not_stored = (np.exp(-self.stored * self.held_s) - elsewhere) / np.maximum(
            1e-300, -np.expm1(-modified * within_s)
        )
        random = unit_lines * (1 - np.exp(-self.loaded * self.held_s) * not_stored)
        in_turn = np.minimum(unit_lines, self.burst_lines) * min(1.0, self.held_s / max(within_s, 1e-12))
        lines: Column = np.minimum(unit_lines, np.where(self.stream, in_turn, random))
        return lines

    def modified_held(self, unit_bytes: int, within_s: float) -> Column:
        """Return the units modified within a time of which an L2 has a dirty line still, float64[sets]."""
        units = self.lines / self._unit_lines(unit_bytes)
        held: Column = units * self._dirty(self._modified(unit_bytes), within_s)
        return held

    def _dirty(self, modified: Column, within_s: float) -> Column:
        """Return the share that is dirty of what is modified at a rate, float64[sets]; a load elsewhere cleans it."""
        cleaned = self.loaded * (1 - 1 / self.vcpus)
        share: Column = modified / (modified + cleaned) * self.reached(modified + cleaned, min(within_s, self.held_s))
        return share

    def _modified(self, unit_bytes: int) -> Column:
        """Return how often in a second a unit is modified, float64[sets]."""
        unit_lines = self._unit_lines(unit_bytes)
        return self.visits * np.maximum(1.0, self.burst_lines / unit_lines) * unit_lines / self.lines

    def _unit_lines(self, unit_bytes: int) -> Column:
        """Return how many lines of a unit each set has, float64[sets]."""
        of_page = np.minimum(unit_bytes, self._within) / self.line_bytes
        lines: Column = of_page * np.maximum(1.0, unit_bytes / np.maximum(self._stride, PAGE_BYTES))
        return lines

    def dirty_lines(self, within_s: float) -> float:
        """Return the lines that were stored to within a time and are dirty in an L2 still, in the mean."""
        return float((self.lines * self._dirty(self.stored, within_s)).sum())


def _rows(level: CacheLevel | None, line: int) -> float:
    return level.size / line if level is not None else 0.0
