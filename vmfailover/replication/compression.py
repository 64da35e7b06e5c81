"""Sending differences to what was sent before (Remus, section 3.4)."""

import numpy as np
import numpy.typing as npt

from vmfailover.scenario.replication import Compression


class Compressor:
    """Knows which units' old contents are at hand, and what the others cost."""

    def __init__(self, spec: Compression, unit_bytes: int) -> None:
        """Begin with no old contents."""
        self._spec = spec
        self._unit_bytes = unit_bytes
        self._capacity = spec.cache // unit_bytes
        #: Units whose old contents are kept, the least recently sent first.
        self._kept: dict[int, None] = {}

    def compress(self, units: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Return the bytes that units (int64[n]) take now, and the time to make them, nanoseconds."""
        known = sum(self._look_up(unit) for unit in units.tolist())
        whole_bytes = (units.size - known) * self._unit_bytes
        difference_bytes = round(known * self._unit_bytes / self._spec.ratio)
        duration_ns = known * self._unit_bytes * 10**9 // self._spec.speed
        return whole_bytes + difference_bytes, duration_ns

    def _look_up(self, unit: int) -> bool:
        """Say whether the unit's old contents are at hand; its new ones are from now on."""
        known = unit in self._kept
        self._kept.pop(unit, None)
        self._kept[unit] = None
        if len(self._kept) > self._capacity:
            del self._kept[next(iter(self._kept))]
        return known
