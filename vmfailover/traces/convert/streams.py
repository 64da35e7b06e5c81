"""Bytes of recordings: from files and stdin, compressed or not, a block at a time."""

from __future__ import annotations

import bz2
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from vmfailover.errors import InputError
from vmfailover.files.regular_file import open_regular
from vmfailover.traces.convert.reading import ConversionError, Reading

__all__ = ["BLOCK", "HEAD", "STDIN", "Stream", "opened"]

#: Bytes of a block, at most.
BLOCK = 2 << 20
#: Bytes from which a format is told.
HEAD = 64 << 10
#: The name that stands for stdin.
STDIN = Path("-")

_Opener = Callable[[Any], Any]
#: How compressed data begin, and what reads them.
_COMPRESSIONS: dict[bytes, _Opener] = {
    b"\x1f\x8b": lambda file: pa.CompressedInputStream(pa.PythonFile(file, "r"), "gzip"),
    b"\x28\xb5\x2f\xfd": lambda file: pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"),
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}
_ZIP = b"PK\x03\x04"
#: What readers of damaged data raise.
_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, ValueError, NotImplementedError)


class _Counted(io.RawIOBase):
    """A file that tells how far it has been read, and begins with bytes that were read before."""

    def __init__(self, begun: bytes, file: Any, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._begun, self._file, self._advance = begun, file, advance

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes, 0 at the end."""
        if self._begun:
            part, self._begun = self._begun[: len(buffer)], self._begun[len(buffer) :]
        else:
            part = self._file.read1(len(buffer))  # between two of which Ctrl-C is noticed
        buffer[: len(part)] = part
        self._advance(len(part))
        return len(part)


class Stream:
    """The decompressed bytes of one input: its beginning, to tell the format by, and all of it in blocks."""

    def __init__(self, path: Path, reading: Reading, source: Any, title: str = "") -> None:
        """Read `source`, of the input at `path`; `title` is what people are told of it, if not the path's name."""
        #: Where the bytes come from.
        self.path = path
        #: What errors call the input, and what a trace made of it does.
        self.name, self.title = str(path), title or ("stdin" if path == STDIN else path.name)
        #: How it is read.
        self.reading = reading
        self._source = source
        self._given = 0
        self._damaged = False
        #: The first 64 KiB.
        self.head = self._read(HEAD)

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes, once; raise ConversionError, or stop and count it, where they are cut off or damaged."""
        block = self.head
        while block:
            self._given += len(block)
            yield block
            block = self._read(BLOCK)

    def records(self, size: int, begin: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield whole records of `size` bytes with the offset of the first, after `begin` bytes.

        What remains at the end is rejected.
        """
        offset, rest = 0, b""
        for block in self.blocks():
            rest += block
            if offset == 0:
                offset, rest = min(begin, len(rest)), rest[begin:]
            whole = len(rest) // size * size
            if whole:
                yield offset, rest[:whole]
            offset, rest = offset + whole, rest[whole:]
        if rest:
            self.reject_rest(offset, rest, f"record of {size}")

    def reject_rest(self, offset: int, rest: bytes, whole: str) -> None:
        """Reject the bytes at the end that are no whole record."""
        found = f"cut off, the last {len(rest):,} bytes are no whole {whole}"
        self.reading.reject(f"{self.name}: byte {offset}", found, "records cut off at the end")

    def _read(self, size: int) -> bytes:
        parts, missing = [], size
        try:
            while missing and not self._damaged and (part := self._source.read(missing)):
                parts.append(part)
                missing -= len(part)
        except InputError:
            raise
        except _DAMAGE as error:
            self._damaged = True
            place = f"{self.name}: byte {self._given + size - missing} of what is decompressed"
            told = str(error) or type(error).__name__
            self.reading.reject(place, f"cut off or damaged ({told[:100]})", "compressed data cut off or damaged")
        return b"".join(parts)


def opened(path: Path, reading: Reading, advance: Callable[[int], None] = lambda _: None) -> Stream:
    """Open the file at `path`, or stdin for `-`; `advance` is told of bytes read before they are decompressed.

    Raise OSError where it cannot be read, ConversionError for an archive that is none of a recording.
    """
    file = sys.stdin.buffer if path == STDIN else open_regular(path)
    begun = file.read(8)
    if begun.startswith(_ZIP):
        return Stream(path, reading, _archive(path))
    counted = io.BufferedReader(_Counted(begun, file, advance), 1 << 20)
    opener = next((opener for magic, opener in _COMPRESSIONS.items() if begun.startswith(magic)), None)
    return Stream(path, reading, opener(counted) if opener else counted)


def _archive(path: Path) -> Any:
    """Return a reader of a zip: of the chunks of a recording one after the other, or of the only file in it."""
    if path == STDIN:
        raise ConversionError(f"{path}: is a zip, which cannot be read from a pipe; give the file")
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise ConversionError(f"{path}: is a damaged zip ({error}); copy it again") from None
    names = archive.namelist()
    chunks = [name for name in names if name.startswith("chunk.")] or names
    if not chunks or (len(chunks) > 1 and not chunks[0].startswith("chunk.")):
        raise ConversionError(f"{path}: is a zip of {len(names)} files; unpack it, and give those that are recordings")
    return _Chain(lambda: (archive.open(name) for name in sorted(chunks)))


class _Chain:
    """Files one after the other."""

    def __init__(self, files: Callable[[], Iterator[Any]]) -> None:
        self._files = files()
        self._file: Any = io.BytesIO()

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; none at the end of the last file."""
        while not (part := self._file.read(size)):
            following = next(self._files, None)
            if following is None:
                return b""
            self._file = following
        return bytes(part)
