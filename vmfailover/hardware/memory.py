"""Memory (140): the VM's image, each line's contents represented by a version."""

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import VERSION_MODULUS


class Memory:
    """The image of a VM in one host's memory.

    A line's version counts the writes that went into its contents, modulo `VERSION_MODULUS`: two images are equal
    exactly if all their versions are.
    """

    def __init__(self, size_bytes: int, line_bytes: int) -> None:
        """Hold an image of `size_bytes` in which nothing has been written."""
        self.line_bytes = line_bytes
        #: uint32[lines].
        self.versions: npt.NDArray[np.uint32] = np.zeros(size_bytes // line_bytes, np.uint32)

    def apply(self, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> None:
        """Overwrite lines with versions received from another host, in order."""
        self.versions[lines] = versions

    def mismatched_lines(self, expected: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return the numbers of the lines whose version is not the expected one, uint32[lines]."""
        return np.flatnonzero(self.versions != expected % VERSION_MODULUS)
