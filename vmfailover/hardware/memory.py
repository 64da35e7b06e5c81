"""Memory (140) of a host, each line's contents represented by a version."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class MemoryRange:
    """Lines of a host's memory that follow each other."""

    #: The number of the first.
    first: int
    lines: int

    @property
    def end(self) -> int:
        """The line after the last."""
        return self.first + self.lines


class Memory:
    """The memory of a host, in ranges of which VMs have their images.

    A line's version counts the writes that went into its contents, modulo 2^30: two images are equal
    exactly if all their versions are.
    """

    def __init__(self, size_bytes: int, line_bytes: int, cache_lines: int = 1) -> None:
        """Hold `size_bytes` in which nothing has been written; a line of it is as many lines of the host's caches."""
        self.line_bytes = line_bytes
        self.cache_lines = cache_lines
        #: uint32[lines].
        self.versions: npt.NDArray[np.uint32] = np.zeros(size_bytes // line_bytes, np.uint32)

    def __repr__(self) -> str:
        """Return its size."""
        return f"<Memory: {self.versions.size} lines of {self.line_bytes} B>"

    @property
    def whole(self) -> MemoryRange:
        """All of its lines."""
        return MemoryRange(0, self.versions.size)

    def apply(self, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> None:
        """Overwrite lines with versions received from another host, in order."""
        self.versions[lines] = versions

    def clear_all_but(self, units: npt.NDArray[np.int64], unit_lines: int) -> None:
        """Let every line hold what it held at first, but those of some units (int64[n]) of `unit_lines` lines."""
        written = np.flatnonzero(self.versions)
        kept = np.zeros(-(-self.versions.size // unit_lines), np.bool_)
        kept[units] = True
        self.versions[written[~kept[written // unit_lines]]] = 0

    def copy_from(self, versions: npt.NDArray[np.uint32]) -> None:
        """Hold what another memory of this size holds, uint32[lines]; what nobody has written takes no memory."""
        self.versions = np.zeros(versions.size, np.uint32)
        written = np.flatnonzero(versions)
        self.versions[written] = versions[written]
