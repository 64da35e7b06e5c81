"""Files that are there whole, or not at all."""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmfailover.errors import InputError, reason_of

#: Names that stand for what is open already, and which no file can be put in the place of.
_OPEN_FILES = re.compile("/dev/(?:stdin|stdout|stderr|fd/.*)|/proc/.*", re.DOTALL)
#: How the name of a file begins that is not whole yet; readers of Parquet datasets pass over it.
UNFINISHED = ".unfinished-"


@contextmanager
def placed_whole(path: Path) -> Iterator[Path]:
    """Give a path to write a file to, which becomes `path`, or takes the place of an earlier file, when this is left.

    If it is left by an error, what was there before stays, and nothing else. Raises OSError, naming `path`, if it
    cannot be written, and if it is there and is no regular file.
    """
    with _naming(path):
        target = Path(os.path.realpath(path))
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if _is_open_file(path) or not stat.S_ISREG(_mode(target)):
            raise OSError(errno.EINVAL, "is not a regular file")
        unfinished = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
        try:
            yield unfinished
            os.replace(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file of text, which appears, or takes the place of an earlier one, once it is whole.

    What is no file, such as a pipe, is written to as it is. Raises OSError, naming the file, if it cannot be written;
    what was there before then stays.
    """
    content = text.encode()
    if _is_open_file(path) or _is_stream(path):
        with _naming(path):
            _write_to_stream(path, content)
    else:
        with placed_whole(path) as unfinished:
            unfinished.write_bytes(content)


def require_file_writable(path: Path, option: str) -> None:
    """Raise InputError, naming the option to change, unless a file can be written at `path`; leave nothing behind."""
    try:
        if os.path.isdir(path):
            raise InputError(f"{path}: is a folder; give {option} a file")
        if not os.path.isdir(path.parent):
            raise InputError(f"{path}: there is no folder {path.parent}; make it, or give {option} another file")
        if _is_open_file(path) or stat.S_ISCHR(_mode(path)):
            os.stat(path)
        elif not stat.S_ISREG(_mode(path)):
            raise InputError(f"{path}: is not a regular file; give {option} another file")
        else:
            _try(Path(os.path.realpath(path)))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({reason_of(error)}); give {option} another file") from None


def _try(path: Path) -> None:
    """Raise OSError unless a file can be made beside `path`, and `path` can be a name."""
    _mode(path)
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    unfinished.touch()
    unfinished.unlink()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an OSError name the user's file, whatever is written in its stead."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def _is_open_file(path: Path) -> bool:
    return _OPEN_FILES.fullmatch(os.path.abspath(path)) is not None


def _is_stream(path: Path) -> bool:
    try:
        mode = _mode(path)
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _mode(path: Path) -> int:
    """Return what kind of file is at a path; a regular one if there is none yet."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return stat.S_IFREG


def _write_to_stream(path: Path, content: bytes) -> None:
    """Write to what is there; a pipe that nobody reads is an error, and is not waited for."""
    opened = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(opened, True)
    with open(opened, "wb") as stream:
        stream.write(content)
