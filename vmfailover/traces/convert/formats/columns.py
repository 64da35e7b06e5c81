"""Tables whose columns the user names: text between commas, semicolons, tabs or blanks, Parquet, and .npy."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vmfailover.traces.convert.lines import FETCH, LineFormat, looks_like, read_lines
from vmfailover.traces.convert.operations import NO_ACCESS, Operations
from vmfailover.traces.convert.reading import MOST_BYTES, ConversionError, Reading
from vmfailover.traces.convert.specification import ColumnSpec
from vmfailover.traces.convert.streams import Stream

__all__ = ["ColumnsFormat"]

_PARQUET, _NPY = b"PAR1", b"\x93NUMPY"
_ROWS = 1 << 18
_SEPARATORS = (",", ";", "\t")


class ColumnsFormat:
    """Tables of columns that a specification names."""

    name = "columns"
    tells_idle_time = False

    def __init__(self, spec: ColumnSpec) -> None:
        """Make the format of tables with these columns."""
        self._spec = spec

    @property
    def tells_instructions(self) -> bool:
        """Whether a column tells how many instructions were executed."""
        return self._spec.tells_instructions

    def recognises(self, head: bytes) -> bool:
        """Whether there is anything: whoever names columns has looked at the file."""
        return bool(head)

    def is_physical(self, head: bytes) -> bool:
        """What a table does not tell: virtual, unless the user asks for --map identity."""
        del head
        return False

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, one stream after the other."""
        for stream in streams:
            if stream.head.startswith(_PARQUET):
                yield from self._parquet(stream, reading)
            elif stream.head.startswith(_NPY):
                yield from self._npy(stream, reading)
            else:
                yield from read_lines(_lines(self._spec, stream), stream, reading)

    def _parquet(self, stream: Stream, reading: Reading) -> Iterator[Operations]:
        try:
            file = pq.ParquetFile(stream.path)
            names = file.schema_arrow.names
            wanted = [names[i] for key in self._spec.columns if (i := self._spec.index(key, names, stream.name)) >= 0]
            row = 0
            for batch in file.iter_batches(_ROWS, columns=wanted):
                columns = {
                    key: batch.column(wanted.index(name)) for key, name in zip(self._spec.columns, wanted, strict=True)
                }
                yield _operations(columns, self._spec, (stream.name, row), reading)
                row += len(batch)
        except (OSError, pa.ArrowException) as error:
            raise ConversionError(
                f"{stream.name}: cannot be read as Parquet ({str(error)[:100]}); write it again"
            ) from None

    def _npy(self, stream: Stream, reading: Reading) -> Iterator[Operations]:
        kind, begin = _npy_header(stream)
        names = list(kind.names or ())
        row = 0
        for _, block in stream.records(kind.itemsize, begin):
            records = np.frombuffer(block, kind)
            columns = {
                key: _arrow(records[names[self._spec.index(key, names, stream.name)]], stream.name)
                for key in self._spec.columns
            }
            yield _operations(columns, self._spec, (stream.name, row), reading)
            row += len(records)


def _npy_header(stream: Stream) -> tuple[np.dtype[Any], int]:
    """Return the type of a row, its columns named, and where the first row begins."""
    file = io.BytesIO(stream.head)
    try:
        version = np.lib.format.read_magic(file)
        read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, kind = read(file)
    except (ValueError, SyntaxError, TypeError, EOFError) as error:
        raise ConversionError(f"{stream.name}: has a damaged .npy header ({str(error)[:100]}); save it again") from None
    if kind.hasobject or by_column or len(shape) != (1 if kind.names else 2) or not kind.itemsize:
        raise ConversionError(f"{stream.name}: is no .npy table: save a structured array, or one of rows and columns")
    if not kind.names:
        if not 0 < shape[1] <= 100:
            raise ConversionError(f"{stream.name}: has {shape[1]} columns; a table has 1 to 100")
        kind = np.dtype([(f"{number}", kind) for number in range(1, shape[1] + 1)])
    return kind, file.tell()


def _arrow(values: NDArray[Any], name: str) -> pa.Array:
    try:
        return pa.array(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("=")))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ConversionError(f"{name}: has a column of a type that is no number or text ({error})") from None


def _lines(spec: ColumnSpec, stream: Stream) -> LineFormat:
    first = next((line for line in stream.head.split(b"\n") if line.strip() and not line.startswith(b"#")), b"")
    text = first.decode("utf-8", "replace").rstrip("\r")
    separator = next((each for each in _SEPARATORS if each in text), "")
    names = []
    if spec.names_columns:
        names = [name.strip(' "') for name in (text.split(separator) if separator else text.split())]
    where = f"{stream.name}:1"
    form = LineFormat(
        operation=spec.index("op", names, where),
        address=spec.index("address", names, where),
        size=spec.index("size", names, where),
        thread=spec.index("thread", names, where),
        instructions=spec.index("instructions", names, where),
        time=spec.index("time", names, where),
        time_unit=spec.time_unit,
        words=spec.words,
        address_base=spec.address_base,
        size_base=spec.size_base,
        separator=separator,
        blanks=" \t\r\v\f".replace(separator or "\0", ""),
    )
    before = stream.head[: stream.head.find(first)].count(b"\n")
    has_heading = bool(names) or not looks_like(form, first)
    return replace(form, heading_lines=before + 1) if has_heading else form


def _operations(columns: dict[str, pa.Array], spec: ColumnSpec, place: tuple[str, int], reading: Reading) -> Operations:
    """Return the operations of rows of the file and first number `place`; those that cannot be are rejected."""
    rows = len(columns["address"])
    meaning = _meanings(columns["op"], spec)
    address, wrong = _numbers(columns["address"], np.uint64, 2**64)
    size, bad_size = _optional(columns, "size", rows, reading.assumed_size, MOST_BYTES + 1)
    thread, bad_thread = _optional(columns, "thread", rows, 0, 2**62)
    instructions, bad_instructions = _optional(columns, "instructions", rows, 0, 2**32)
    time, bad_time = _times(columns.get("time"), rows)
    wrong |= bad_size | bad_thread | bad_instructions | bad_time | (meaning < 0) | ((meaning != FETCH) & (size == 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        told = ", ".join(f"{key} {str(column[first].as_py())[:30]}" for key, column in columns.items())
        reading.reject(f"{place[0]}: row {place[1] + first}", f"is no access ({told})", "rows that are no records")
        reading.leave_out("rows that are no records", int(wrong.sum()) - 1)
    good = ~wrong
    instructions = instructions + (meaning == FETCH)
    kind = np.where(meaning == FETCH, NO_ACCESS, meaning).astype(np.uint8)
    return Operations(
        thread[good].astype(np.int64),
        address[good],
        size[good].astype(np.uint32),
        kind[good],
        instructions[good].astype(np.int64),
        time[good] * spec.time_unit,
        np.zeros(np.count_nonzero(good), np.int64),
    )


def _meanings(column: pa.Array, spec: ColumnSpec) -> NDArray[np.int64]:
    """Return what the words of a column mean, -1 for those that mean nothing."""
    if pa.types.is_boolean(column.type):
        return np.array(pc.fill_null(pc.cast(column, pa.int64()), -1), np.int64)
    words = pa.array(list(spec.words))
    try:
        found = pc.fill_null(pc.index_in(pc.cast(column, pa.string()), words), -1)
    except pa.ArrowException:
        return np.full(len(column), -1)
    meanings = np.array([*spec.words.values(), -1], np.int64)
    return meanings[np.array(found, np.int64)]


def _optional(
    columns: dict[str, pa.Array], key: str, rows: int, default: int, limit: int
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    if key in columns:
        return _numbers(columns[key], np.uint64, limit)
    return np.full(rows, default, np.uint64), np.zeros(rows, np.bool_)


def _numbers(column: pa.Array, kind: Any, limit: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return whole numbers below a limit, and where there are none."""
    if not pa.types.is_integer(column.type):
        return np.zeros(len(column), kind), np.ones(len(column), np.bool_)
    missing = np.asarray(pc.is_null(column))
    values = np.asarray(pc.fill_null(column, 0))
    wrong = missing | (values < 0) | (values > np.uint64(limit - 1))
    return np.where(wrong, 0, values).astype(kind), wrong


def _times(column: pa.Array | None, rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if column is None:
        return np.full(rows, np.nan), np.zeros(rows, np.bool_)
    try:
        times = np.asarray(pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan), np.float64)
    except pa.ArrowException:
        times = np.full(rows, np.nan)
    return times, ~np.isfinite(times)
