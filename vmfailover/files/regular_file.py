"""Files that are read: regular ones, so that nothing is ever waited for."""

import errno
import os
import stat
from os import PathLike
from typing import BinaryIO


def open_regular(path: str | PathLike[str]) -> BinaryIO:
    """Open a file to read its bytes; never wait for a writer.

    Raises OSError, naming the file, if it cannot be opened, and if it is a folder, a pipe or a device.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise OSError(errno.EINVAL, "is not the name of a file", str(path)) from None
    mode = os.fstat(opened).st_mode
    if stat.S_ISREG(mode):
        return open(opened, "rb")
    os.close(opened)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    raise OSError(errno.EINVAL, "is not a regular file", str(path))


def read_regular(path: str | PathLike[str], limit: int = -1) -> bytes:
    """Return the bytes of a file, of a longer one the first `limit`; raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return file.read(limit)
