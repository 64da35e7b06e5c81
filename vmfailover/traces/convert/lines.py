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
#: Where lines that are no records are counted, behind the kinds that are left out.
FAULTY = 15
_FAULTY_LINES = "lines that are no records"
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
#: What a byte is as a digit, 255 if it is none.
DIGITS = np.full(256, 255, np.uint8)
DIGITS[list(b"0123456789abcdef")] = range(16)
DIGITS[list(b"ABCDEF")] = range(10, 16)
#: The largest number of a thread, and of instructions of a line.
MOST_THREAD, MOST_INSTRUCTIONS = (1 << 62) - 1, (1 << 32) - 1


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

    def compiled(self, assumed_size: int = 1, tolerant: bool = False) -> _Layout:
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
            tolerant,
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
    #: Whether lines that are no records are counted, and do not end the reading.
    tolerant: bool
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
        found = _parsed(form.compiled(), line, first)
        if found.problem or len(found.operations.kind) or first.left_out.sum():
            return found.problem == NOTHING
    return False


@dataclass
class _Found:
    """What the compiled reader has counted over all blocks."""

    lines: int = 0
    left_out: NDArray[np.int64] = field(default_factory=lambda: np.zeros(FAULTY + 1, np.int64))


class _Fields(NamedTuple):
    """Where the fields of a line begin and end."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]


class _Accesses(NamedTuple):
    """The accesses of a line: LOAD, STORE or MODIFY, and the addresses."""

    address: NDArray[np.uint64]
    kind: NDArray[np.int64]


class _Piece(NamedTuple):
    """What one block of lines was read to."""

    operations: Operations
    problem: int
    #: Offset of the line with the problem, or of the end.
    at: int


def read_lines(form: LineFormat, stream: Stream, reading: Reading) -> Iterator[Operations]:
    """Yield the operations of a text, a block at a time; lines that are no records are rejected."""
    found, layout = _Found(), form.compiled(reading.assumed_size, reading.tolerant)
    for text in _whole_lines(stream):
        at = _end_of_heading(text, form.heading_lines) if found.lines == 0 else 0
        found.lines += form.heading_lines if at else 0
        piece = _parsed(layout, text, found, at)
        if piece.problem:
            _reject(stream, reading, text, piece, found)
        yield piece.operations
        found.left_out = _counted(form, reading, found.left_out)


def _reject(stream: Stream, reading: Reading, text: bytes, piece: _Piece, found: _Found) -> None:
    end = text.find(b"\n", piece.at)
    told = f"the line {shown(text[piece.at : end if end >= 0 else len(text)])} {_PROBLEMS[piece.problem]}"
    reading.reject(f"{stream.name}:{found.lines + 1}", told, _FAULTY_LINES)


def _counted(form: LineFormat, reading: Reading, left_out: NDArray[np.int64]) -> NDArray[np.int64]:
    for kind, number in zip(form.left_out, left_out.tolist(), strict=False):
        reading.leave_out(kind, number)
    reading.leave_out(_FAULTY_LINES, int(left_out[FAULTY]))
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
def _parse(text: Any, at: Any, layout: Any, rows: Any, left_out: Any) -> tuple[Any, Any, Any, Any]:
    """Read lines from `at` on, up to the first that is no record.

    Return the number of operations, of lines read, the problem, and the offset of its line.
    """
    fields = _Fields(np.empty(MOST_FIELDS, np.int64), np.empty(MOST_FIELDS, np.int64))
    accesses = _Accesses(np.empty(MOST_PAIRS, np.uint64), np.empty(MOST_PAIRS, np.int64))
    n, lines = 0, 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] != NEWLINE:
            end += 1
        if not _is_comment(text, at, end, layout.comments):
            number = _divide(text, at, end, layout, fields)
            if number > 0:
                problem, n = _read_line(text, number, layout, fields, accesses, rows, n, left_out)
                if problem != NOTHING:
                    if not layout.tolerant:
                        return n, lines, problem, at
                    left_out[FAULTY] += 1
        at = end + 1
        lines += 1
    return n, lines, NOTHING, at


@compiled_inline
def _read_line(
    text: Any, number: Any, layout: Any, fields: Any, accesses: Any, rows: Any, n: Any, left_out: Any
) -> tuple[Any, Any]:
    """Add the operations of a line to the first `n`; return what is wrong with it, and how many there are."""
    problem, thread, size, instructions, time = _attributes(text, number, layout, fields)
    if problem != NOTHING:
        return problem, n
    if layout.line_is_instruction:
        problem, accessed, executed = _pairs(text, number, layout, fields, accesses, left_out)
    else:
        problem, accessed, executed = _single(text, layout, fields, accesses, left_out)
    for i in range(accessed):
        if accesses.address[i] + np.uint64(size - 1) < accesses.address[i]:
            problem = WRAPS
    if problem != NOTHING:
        return problem, n
    if instructions + executed > 0:
        n = put_instructions(rows, n, thread, instructions + executed)
    for i in range(accessed):
        n = _put(rows, n, thread, accesses.address[i], size, accesses.kind[i], time)
    return NOTHING, n


@compiled_inline
def _put(rows: Any, n: Any, thread: Any, address: Any, size: Any, kind: Any, time: Any) -> Any:
    if kind != STORE:
        n = put_access(rows, n, thread, address, size, LOAD, time)
    if kind != LOAD:
        n = put_access(rows, n, thread, address, size, STORE, time)
    return n


@compiled_inline
def _attributes(text: Any, number: Any, layout: Any, fields: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return what is wrong with a line, and its thread, size, instructions and time, as far as it has such columns."""
    problem = NOTHING
    if number < layout.fewest:
        return FEW, 0, 0, 0, np.nan
    if number > layout.most or number == MOST_FIELDS:
        return MANY, 0, 0, 0, np.nan
    good, thread = _attribute(text, fields, layout.thread, 10, 0, MOST_THREAD, 0)
    problem = problem if good else THREAD
    good, size = _attribute(text, fields, layout.size, layout.size_base, 1, MOST_BYTES, layout.assumed_size)
    problem = problem if good else SIZE
    good, instructions = _attribute(text, fields, layout.instructions, 10, 0, MOST_INSTRUCTIONS, 0)
    problem = problem if good else INSTRUCTIONS
    time = np.nan
    if layout.time >= 0:
        good, time = _decimal(text, fields.start[layout.time], fields.end[layout.time])
        problem = problem if good else TIME
    return problem, thread, size, instructions, time * layout.time_unit


@compiled_inline
def _attribute(text: Any, fields: Any, column: Any, base: Any, least: Any, most: Any, default: Any) -> tuple[Any, Any]:
    """Return whether a column has a number between bounds, and the number; the default where there is no column."""
    if column < 0:
        return True, default
    good, value = _number(text, fields.start[column], fields.end[column], base)
    good = good and value >= np.uint64(least) and value <= np.uint64(most)
    return good, np.int64(value)


@compiled_inline
def _single(text: Any, layout: Any, fields: Any, accesses: Any, left_out: Any) -> tuple[Any, Any, Any]:
    """Read an operation and its address; return what is wrong, and the number of accesses and of instructions."""
    kind = _word(text, fields.start[layout.operation], fields.end[layout.operation], layout)
    if kind == UNKNOWN:
        return WORD, 0, 0
    good, value = _number(text, fields.start[layout.address], fields.end[layout.address], layout.address_base)
    if not good:
        return ADDRESS, 0, 0
    if kind >= OMITTED:
        left_out[kind - OMITTED] += 1
        return NOTHING, 0, 0
    if kind == FETCH:
        return NOTHING, 0, 1
    accesses.address[0] = value & ~np.uint64(layout.word_bytes - 1)
    accesses.kind[0] = kind
    return NOTHING, 1, 0


@compiled_inline
def _pairs(text: Any, number: Any, layout: Any, fields: Any, accesses: Any, left_out: Any) -> tuple[Any, Any, Any]:
    """Read operations and addresses up to the end of a line, as `_single` does; a device's name may follow each."""
    at, n = layout.operation, 0
    while at < number:
        kind = _word(text, fields.start[at], fields.end[at], layout)
        if kind == UNKNOWN or at + 1 == number:
            return WORD, 0, 0
        good, value = _number(text, fields.start[at + 1], fields.end[at + 1], layout.address_base)
        if not good:
            return ADDRESS, 0, 0
        at += 2
        is_memory = True
        if at < number and _word(text, fields.start[at], fields.end[at], layout) == UNKNOWN:
            is_memory = _is_memory(text, fields.start[at], fields.end[at])
            at += 1
        if is_memory and n == MOST_PAIRS:
            return MANY, 0, 0
        if is_memory:
            accesses.address[n], accesses.kind[n] = value, kind
            n += 1
        else:
            left_out[0] += 1
    return NOTHING, n, 1


@compiled_inline
def _is_memory(text: Any, start: Any, end: Any) -> Any:
    """Whether a device is called RAM."""
    return end - start == 3 and text[start] == ord("R") and text[start + 1] == ord("A") and text[start + 2] == ord("M")


@compiled_inline
def _is_comment(text: Any, start: Any, end: Any, comments: Any) -> Any:
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
def _divide(text: Any, start: Any, end: Any, layout: Any, fields: Any) -> Any:
    """Find where the fields of a line begin and end; return how many there are, of those that are read."""
    at, n = _behind_blanks(text, start, end, layout), 0
    is_more = at < end
    while is_more and n < layout.read:
        stop = _end_of_field(text, at, end, layout)
        fields.start[n], fields.end[n] = _trimmed(text, at, stop, layout)
        n += 1
        at = _behind_blanks(text, stop + (layout.separator != 0), end, layout)
        is_more = at < end if layout.separator == 0 else stop < end
    return n


@compiled_inline
def _behind_blanks(text: Any, at: Any, end: Any, layout: Any) -> Any:
    while at < end and layout.blank[text[at]]:
        at += 1
    return min(at, end)


@compiled_inline
def _end_of_field(text: Any, at: Any, end: Any, layout: Any) -> Any:
    """Return where the field that begins at `at` ends: at a separator or blank that is not between quotes."""
    if at < end and text[at] == QUOTE:
        at += 1
        while at < end and text[at] != QUOTE:
            at += 1
    if layout.separator != 0:
        while at < end and text[at] != layout.separator:
            at += 1
    else:
        while at < end and not layout.blank[text[at]]:
            at += 1
    return at


@compiled_inline
def _trimmed(text: Any, start: Any, stop: Any, layout: Any) -> tuple[Any, Any]:
    """Return the bounds of a field without the blanks behind it and the quotes around it."""
    while stop > start and layout.blank[text[stop - 1]]:
        stop -= 1
    if stop - start >= 2 and text[start] == QUOTE and text[stop - 1] == QUOTE:
        return start + 1, stop - 1
    return start, stop


@compiled_inline
def _word(text: Any, start: Any, end: Any, layout: Any) -> Any:
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
def _number(text: Any, start: Any, end: Any, base: Any) -> tuple[Any, Any]:
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
def _decimal(text: Any, start: Any, end: Any) -> tuple[Any, Any]:
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
