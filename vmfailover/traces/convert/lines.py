"""Recordings in lines of text: what the fields of a line are, and a compiled reader of them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled, compiled_inline
from vmfailover.traces.convert.operations import (
    LOAD,
    STORE,
    Operations,
    cut,
    put_access,
    put_instructions,
    room_for,
)
from vmfailover.traces.convert.reading import MOST_BYTES, ConversionError, Reading, shown
from vmfailover.traces.convert.streams import Stream

__all__ = ["FETCH", "MODIFY", "LineFormat", "looks_like", "read_lines"]

#: Meanings of the word for an operation, besides LOAD and STORE: one instruction, and a load followed by a store.
FETCH, MODIFY = 2, 3
#: Meanings from here on are kinds that are left out, in the order of `LineFormat.left_out`.
OMITTED = 4
UNKNOWN = -1
#: Fields of a line that are looked at, and pairs of operation and address in it, at most.
MOST_FIELDS, MOST_PAIRS = 160, 64
#: What is wrong with a line.
NOTHING, WORD, ADDRESS, SIZE, THREAD, INSTRUCTIONS, TIME, FEW, MANY, WRAPS = range(10)
_PROBLEMS = {
    WORD: "has no operation where one should be",
    ADDRESS: "has no address of 64 bits where one should be",
    SIZE: f"has no size from 1 to {MOST_BYTES} bytes where one should be",
    THREAD: "has no number of a thread where one should be",
    INSTRUCTIONS: "has no number of instructions where one should be",
    TIME: "has no time where one should be",
    FEW: "has too few fields",
    MANY: "has too many fields",
    WRAPS: "is an access beyond the last address of 64 bits",
}
NEWLINE, QUOTE, POINT = ord("\n"), ord('"'), ord(".")
#: A line longer than this is none.
_LONGEST_LINE = 1 << 20
DIGITS = np.full(256, 255, np.uint8)
for _digit, _letters in enumerate(
    ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "aA", "bB", "cC", "dD", "eE", "fF")
):
    DIGITS[[ord(letter) for letter in _letters]] = _digit


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """What the fields of a line are: the numbers of columns count from 0, -1 where there is none.

    Fields stand between blanks, or between separators. Lines that begin with one of `comments` say nothing.
    """

    operation: int
    address: int
    #: What the words for an operation mean; of at most 8 bytes each.
    words: Mapping[str, int]
    size: int = -1
    thread: int = -1
    instructions: int = -1
    time: int = -1
    #: Bytes of a word, to which addresses are cut.
    word_bytes: int = 1
    #: Nanoseconds of a unit of time.
    time_unit: float = 1.0
    #: Bases of numbers without 0x before them.
    address_base: int = 16
    size_base: int = 10
    separator: str = ""
    #: Bytes between fields, or, where there is a separator, around them.
    blanks: str = " \t\r\v\f"
    #: Whether each line is an instruction, with any number of operations and addresses from `operation` on.
    line_is_instruction: bool = False
    #: Fields that a line has at most; 0 where further ones may follow, and say nothing.
    most_fields: int = 0
    comments: tuple[str, ...] = ("#",)
    #: Kinds of operation that are left out, in the order of their meanings from OMITTED on.
    left_out: tuple[str, ...] = ()
    #: Lines before the first record, such as the names of columns.
    heading_lines: int = 0

    @property
    def tells_instructions(self) -> bool:
        """Whether lines tell how many instructions were executed."""
        return self.instructions >= 0 or self.line_is_instruction or FETCH in self.words.values()

    def compiled(self, assumed_size: int) -> _Layout:
        """Return what the compiled reader needs to know."""
        columns = (self.operation, self.address, self.size, self.thread, self.instructions, self.time)
        needed = max(columns) + 1
        read = MOST_FIELDS if self.line_is_instruction else self.most_fields + 1 if self.most_fields else needed
        return _Layout(
            *columns,
            self.time_unit,
            self.word_bytes,
            self.address_base,
            self.size_base,
            ord(self.separator or "\0"),
            self.line_is_instruction,
            self.operation if self.line_is_instruction else needed,
            read,
            self.most_fields or MOST_FIELDS,
            assumed_size,
            _marked(self.blanks),
            np.array([_packed(word) for word in self.words], np.uint64),
            np.array(list(self.words.values()), np.int64),
            _prefixes(self.comments),
        )


class _Layout(NamedTuple):
    """A format of lines as the compiled reader takes it."""

    operation: int
    address: int
    size: int
    thread: int
    instructions: int
    time: int
    time_unit: float
    word_bytes: int
    address_base: int
    size_base: int
    separator: int
    line_is_instruction: bool
    fewest: int
    read: int
    most: int
    assumed_size: int
    blank: NDArray[np.bool_]
    word: NDArray[np.uint64]
    meaning: NDArray[np.int64]
    #: uint8[n, longest + 1]: beginnings of comments, the length first.
    comments: NDArray[np.uint8]


def _marked(letters: str) -> NDArray[np.bool_]:
    marked = np.zeros(256, np.bool_)
    marked[list(letters.encode())] = True
    return marked


def _packed(word: str) -> int:
    return int.from_bytes(word.encode()[:8], "big")


def _prefixes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    table = np.zeros((len(texts), 1 + max(map(len, texts), default=0)), np.uint8)
    for row, text in zip(table, texts, strict=True):
        row[0] = len(text)
        row[1 : 1 + len(text)] = list(text.encode())
    return table


def looks_like(form: LineFormat, head: bytes) -> bool:
    """Whether the first line that is no comment is a record."""
    first = _Found()
    whole = head[: head.rfind(b"\n") + 1] or head
    for line in whole.split(b"\n")[:1000]:
        found = _parsed(form.compiled(1), line, first)
        if found.problem or len(found.operations.kind) or first.left_out.sum():
            return found.problem == NOTHING
    return False


@dataclass
class _Found:
    """What the compiled reader has counted over all blocks."""

    lines: int = 0
    left_out: NDArray[np.int64] = field(default_factory=lambda: np.zeros(16, np.int64))


class _Piece(NamedTuple):
    """What one block of lines was read to."""

    operations: Operations
    problem: int
    #: Offset of the line with the problem, or of the end.
    at: int


def read_lines(form: LineFormat, stream: Stream, reading: Reading) -> Iterator[Operations]:
    """Yield the operations of a text, a block at a time; lines that are no records are rejected."""
    found, layout = _Found(), form.compiled(reading.assumed_size)
    for text in _whole_lines(stream):
        at = _end_of_heading(text, form.heading_lines) if found.lines == 0 else 0
        found.lines += form.heading_lines if at else 0
        while at < len(text):
            piece = _parsed(layout, text, found, at)
            yield piece.operations
            at = piece.at
            if piece.problem:
                at = _reject(stream, reading, text, piece, found)
        found.left_out = _counted(form, reading, found.left_out)


def _reject(stream: Stream, reading: Reading, text: bytes, piece: _Piece, found: _Found) -> int:
    """Reject a line; return where the next one begins."""
    end = text.find(b"\n", piece.at)
    end = end + 1 if end >= 0 else len(text)
    found.lines += 1
    told = f"the line {shown(text[piece.at : end])} {_PROBLEMS[piece.problem]}"
    reading.reject(f"{stream.name}:{found.lines}", told, "lines that are no records")
    return end


def _counted(form: LineFormat, reading: Reading, left_out: NDArray[np.int64]) -> NDArray[np.int64]:
    for kind, number in zip(form.left_out, left_out.tolist(), strict=False):
        reading.leave_out(kind, number)
    return np.zeros_like(left_out)


def _whole_lines(stream: Stream) -> Iterator[bytes]:
    rest = b""
    for block in stream.blocks():
        text = rest + block
        end = text.rfind(b"\n") + 1
        if end:
            yield text[:end]
        rest = text[end:]
        if len(rest) > _LONGEST_LINE:
            raise ConversionError(f"{stream.name}: has a line of more than {_LONGEST_LINE} bytes; is it text?")
    if rest:
        yield rest


def _end_of_heading(text: bytes, lines: int) -> int:
    at = 0
    for _ in range(lines):
        end = text.find(b"\n", at)
        at = end + 1 if end >= 0 else len(text)
    return at


def _parsed(layout: _Layout, text: bytes, found: _Found, at: int = 0) -> _Piece:
    rows = room_for((len(text) - at) + 2 * MOST_PAIRS)
    letters = np.frombuffer(text, np.uint8)
    n, lines, problem, at = _parse(letters, at, layout, rows, found.left_out)
    found.lines += lines
    return _Piece(cut(rows, n), problem, at)


@compiled
def _parse(text: Any, at: int, layout: Any, rows: Any, left_out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Read lines from `at` on, up to the first that is no record.

    Return the number of operations, of lines read, the problem, and the offset of its line.
    """
    starts, ends = np.empty(MOST_FIELDS, np.int64), np.empty(MOST_FIELDS, np.int64)
    addresses, kinds = np.empty(MOST_PAIRS, np.uint64), np.empty(MOST_PAIRS, np.int64)
    n, lines = 0, 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] != NEWLINE:
            end += 1
        problem, n = _read_line(text, at, end, layout, rows, n, left_out, starts, ends, addresses, kinds)
        if problem != NOTHING:
            return n, lines, problem, at
        at = end + 1
        lines += 1
    return n, lines, NOTHING, at


@compiled_inline
def _read_line(
    text: Any,
    start: int,
    end: int,
    layout: Any,
    rows: Any,
    n: int,
    left_out: Any,
    starts: Any,
    ends: Any,
    addresses: Any,
    kinds: Any,
) -> tuple[int, int]:
    if _is_comment(text, start, end, layout.comments):
        return NOTHING, n
    fields = _fields(text, start, end, layout, starts, ends)
    if fields == 0:
        return NOTHING, n
    if fields < layout.fewest:
        return FEW, n
    if fields > layout.most or fields == MOST_FIELDS:
        return MANY, n
    thread, size, instructions, time = 0, layout.assumed_size, 0, np.nan
    if layout.thread >= 0:
        good, value = _number(text, starts[layout.thread], ends[layout.thread], 10)
        if not good or value >> np.uint64(62):
            return THREAD, n
        thread = np.int64(value)
    if layout.size >= 0:
        good, value = _number(text, starts[layout.size], ends[layout.size], layout.size_base)
        if not good or value == 0 or value > MOST_BYTES:
            return SIZE, n
        size = np.int64(value)
    if layout.instructions >= 0:
        good, value = _number(text, starts[layout.instructions], ends[layout.instructions], 10)
        if not good or value >> np.uint64(32):
            return INSTRUCTIONS, n
        instructions = np.int64(value)
    if layout.time >= 0:
        good, time = _decimal(text, starts[layout.time], ends[layout.time])
        if not good:
            return TIME, n
        time *= layout.time_unit
    pairs = 0
    if layout.line_is_instruction:
        problem, pairs = _pairs(text, fields, layout, starts, ends, addresses, kinds, left_out)
        if problem != NOTHING:
            return problem, n
        instructions += 1
    else:
        kinds[0] = _word(text, starts[layout.operation], ends[layout.operation], layout)
        if kinds[0] == UNKNOWN:
            return WORD, n
        good, value = _number(text, starts[layout.address], ends[layout.address], layout.address_base)
        if not good:
            return ADDRESS, n
        addresses[0] = value & ~np.uint64(layout.word_bytes - 1)
        pairs = 1
        if kinds[0] >= OMITTED:
            left_out[kinds[0] - OMITTED] += 1
            pairs = 0
        elif kinds[0] == FETCH:
            instructions += 1
            pairs = 0
    for i in range(pairs):
        if addresses[i] + np.uint64(size - 1) < addresses[i]:
            return WRAPS, n
    if instructions:
        n = put_instructions(rows, n, thread, instructions)
    for i in range(pairs):
        if kinds[i] != STORE:
            n = put_access(rows, n, thread, addresses[i], size, LOAD, time)
        if kinds[i] != LOAD:
            n = put_access(rows, n, thread, addresses[i], size, STORE, time)
    return NOTHING, n


@compiled_inline
def _pairs(
    text: Any, fields: int, layout: Any, starts: Any, ends: Any, addresses: Any, kinds: Any, left_out: Any
) -> tuple[int, int]:
    """Read operations and addresses up to the end of a line; what follows an address is the name of a device."""
    at, pairs = layout.operation, 0
    while at < fields:
        kind = _word(text, starts[at], ends[at], layout)
        if kind == UNKNOWN or at + 1 == fields:
            return WORD, pairs
        good, value = _number(text, starts[at + 1], ends[at + 1], layout.address_base)
        if not good:
            return ADDRESS, pairs
        at += 2
        is_memory = True
        if at < fields and _word(text, starts[at], ends[at], layout) == UNKNOWN:
            is_memory = ends[at] - starts[at] == 3 and text[starts[at]] == ord("R") and text[starts[at] + 1] == ord("A")
            at += 1
        if not is_memory:
            left_out[0] += 1
        elif pairs == MOST_PAIRS:
            return MANY, pairs
        else:
            kinds[pairs], addresses[pairs] = kind, value
            pairs += 1
    return NOTHING, pairs


@compiled_inline
def _is_comment(text: Any, start: int, end: int, comments: Any) -> bool:
    for i in range(len(comments)):
        length = np.int64(comments[i, 0])
        same = start + length <= end
        for j in range(length):
            same = same and text[start + j] == comments[i, 1 + j]
            if not same:
                break
        if same:
            return True
    return False


@compiled_inline
def _fields(text: Any, start: int, end: int, layout: Any, starts: Any, ends: Any) -> int:
    """Find where the fields of a line begin and end; return how many there are, of those that are read."""
    i, n = start, 0
    while n < layout.read:
        while i < end and layout.blank[text[i]]:
            i += 1
        if i >= end and (n == 0 or not layout.separator):
            break
        starts[n] = i
        if i < end and text[i] == QUOTE:
            i += 1
            while i < end and text[i] != QUOTE:
                i += 1
        if layout.separator:
            while i < end and text[i] != layout.separator:
                i += 1
        else:
            while i < end and not layout.blank[text[i]]:
                i += 1
        stop = i
        while stop > starts[n] and layout.blank[text[stop - 1]]:
            stop -= 1
        if stop - starts[n] >= 2 and text[starts[n]] == QUOTE and text[stop - 1] == QUOTE:
            starts[n] += 1
            stop -= 1
        ends[n] = stop
        n += 1
        if i >= end:
            break
        if layout.separator:
            i += 1
    return n


@compiled_inline
def _word(text: Any, start: int, end: int, layout: Any) -> int:
    """Return what a word for an operation means."""
    if end - start > 8 or end == start:
        return UNKNOWN
    packed = np.uint64(0)
    for i in range(start, end):
        packed = (packed << np.uint64(8)) | np.uint64(text[i])
    for i in range(len(layout.word)):
        if layout.word[i] == packed:
            return np.int64(layout.meaning[i])
    return UNKNOWN


@compiled_inline
def _number(text: Any, start: int, end: int, base: int) -> tuple[bool, int]:
    """Read a whole number of 64 bits; return whether it is one, and its value."""
    if end - start > 2 and text[start] == ord("0") and (text[start + 1] | 32) == ord("x"):
        start, base = start + 2, 16
    value, limit, wide = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(base)
    good, is_short = start < end, end - start <= 15
    for i in range(start, end):
        digit = np.uint64(DIGITS[text[i]])
        good = good and digit < wide and (is_short or value <= (limit - digit) // wide)
        value = value * wide + digit
    return good, value


@compiled_inline
def _decimal(text: Any, start: int, end: int) -> tuple[bool, float]:
    """Read a number with digits after a point, if any; return whether it is one, and its value."""
    value, scale, points, digits = 0.0, 1.0, 0, 0
    for i in range(start, end):
        if text[i] == POINT:
            points += 1
        elif DIGITS[text[i]] < 10:
            value = value * 10.0 + DIGITS[text[i]]
            scale = scale * 10.0 if points else scale
            digits += 1
        else:
            return False, 0.0
    return digits > 0 and points < 2, value / scale
