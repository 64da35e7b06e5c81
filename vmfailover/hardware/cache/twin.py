"""What the two twins of the cache hierarchy have in common, so that either can stand in a processor."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import Accesses, CacheState, LogState, Stop


class CacheTwin(Protocol):
    """The functions of `kernel` and of `reference`, documented there."""

    def advance(
        self,
        state: CacheState,
        accesses: Accesses,
        start: npt.NDArray[np.int64],
        deadline: int,
        quantum: int,
        log: LogState,
        /,
    ) -> Stop:
        """Execute accesses until the deadline."""

    def scan(self, state: CacheState, core: int, log: LogState, first_set: int, /) -> int:
        """Log the flagged rows of a core's L2 and clear their flags."""

    def fetch(
        self, state: CacheState, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32], /
    ) -> tuple[int, int]:
        """Read lines coherently."""

    def write_around(self, state: CacheState, lines: npt.NDArray[np.int64], log: LogState, /) -> None:
        """Write lines without setting their flags."""

    def log_address(self, log: LogState, vm: int, line_address: int, /) -> bool:
        """Append one address to a VM's log."""

    def flush(self, log: LogState, vm: int, /) -> bool:
        """Pad a VM's collecting line and write it out."""
