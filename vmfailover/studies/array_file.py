"""A NumPy file written piece by piece, since its array may not fit into memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vmfailover.files.whole_file import placed_whole


@contextmanager
def growing_array(path: Path) -> Iterator[Callable[[NDArray[np.int64]], None]]:
    """Give a function that appends to the int64[n] array in the `.npy` file at `path`, which appears once it is whole.

    Raises OSError where the file cannot be written; then, as after any other error, nothing is left behind.
    """
    total = 0
    with placed_whole(path) as unfinished, unfinished.open("xb") as file:

        def append(values: NDArray[np.int64]) -> None:
            nonlocal total
            file.write(np.ascontiguousarray(values, "<i8").tobytes())
            total += values.size

        _write_header(file, total)
        yield append
        file.seek(0)
        _write_header(file, total)


def _write_header(file: BinaryIO, length: int) -> None:
    """Write the header, in which NumPy leaves room for any length."""
    npy.write_array_header_1_0(file, {"descr": "<i8", "fortran_order": False, "shape": (length,)})
