"""What a format of recordings is to the converter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from vmfailover.traces.convert.lines import LineFormat, looks_like, read_lines
from vmfailover.traces.convert.operations import Operations
from vmfailover.traces.convert.reading import Reading
from vmfailover.traces.convert.streams import Stream

__all__ = ["Format", "TextFormat"]


class Format(Protocol):
    """A format of recordings: how it is told, what it tells, and how it is read."""

    #: What `--format` calls it.
    name: str
    #: Whether it tells how long a thread was idle.
    tells_idle_time: bool

    def recognises(self, head: bytes) -> bool:
        """Whether a file whose first 64 KiB are `head` may be one of this format."""
        ...

    @property
    def tells_instructions(self) -> bool:
        """Whether it tells how many instructions were executed."""
        ...

    def is_physical(self, head: bytes) -> bool:
        """Whether the addresses of a file that begins so are guest-physical; virtual ones have to be mapped."""
        ...

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams; raise ConversionError for what is no record of the format."""
        ...


class TextFormat:
    """A format of lines, all of whose knowledge is in its fields."""

    tells_idle_time = False

    def __init__(self, name: str, lines: LineFormat, mark: bytes = b"") -> None:
        """Make a format whose files have `mark` in their first 64 KiB."""
        self.name = name
        self.lines = lines
        self._mark = mark

    @property
    def tells_instructions(self) -> bool:
        """Whether it tells how many instructions were executed."""
        return self.lines.tells_instructions

    def recognises(self, head: bytes) -> bool:
        """Whether the first line that is no comment is a record."""
        return self._mark in head and looks_like(self.lines, head)

    def is_physical(self, head: bytes) -> bool:
        """Whether its addresses are guest-physical: those of most are not."""
        del head
        return False

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, one stream after the other."""
        for stream in streams:
            yield from read_lines(self.lines, stream, reading)
