"""The trace file: Parquet with five columns, or six, and a description in its metadata; opening and writing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vmfailover.files.whole_file import placed_whole
from vmfailover.traces.columns import ACCEPTED_TYPES, IDLE, SCHEMA, Columns, check_columns, converted_errors
from vmfailover.traces.metadata import KEY, TraceError, TraceMetadata
from vmfailover.traces.reader import TraceFile

__all__ = ["Columns", "TraceError", "TraceFile", "TraceMetadata", "open_trace", "write_trace"]

_MAGIC = b"PAR1"
#: Rows of a row group; as many as a reader's chunk has records.
_ROW_GROUP_ROWS = 1 << 20


def open_trace(path: Path, chunk_records: int | None = None) -> TraceFile:
    """The trace in the file at `path`, to be read `chunk_records` at a time (by default TraceFile.CHUNK_RECORDS).

    Checks everything that can be told without reading the records: columns, their types and the metadata.
    Columns that a trace does not need are ignored. Raises TraceError, of one line, for a file that is not a trace.
    """
    with converted_errors(path):
        _check_is_parquet(path)
        with pq.ParquetFile(path.absolute()) as file:
            footer, schema = file.metadata, file.schema_arrow
        metadata = _metadata(path, footer)
        _check_schema(path, schema)
        _check_rows(path, footer)
    return TraceFile(path, metadata, footer, chunk_records)


def _check_is_parquet(path: Path) -> None:
    if path.is_dir():
        raise TraceError.about(path, "is a folder; give the Parquet file of a trace")
    if not path.exists():
        raise TraceError.about(path, "does not exist; check the path (a scenario's is relative to its own folder)")
    if not path.is_file():
        raise TraceError.about(path, "is not a regular file; give the Parquet file of a trace")
    size = path.stat().st_size
    if size == 0:
        raise TraceError.about(path, "is empty; record or copy the trace again")
    with path.open("rb") as file:
        start, end = file.read(4), os.pread(file.fileno(), 4, max(0, size - 4))
    if start != _MAGIC:
        raise TraceError.about(path, "is not a Parquet file; make one of it with `vmfailover trace convert`")
    if end != _MAGIC or size < 12:
        raise TraceError.about(path, "is cut off (a Parquet file ends with PAR1); record or copy it again")


def _metadata(path: Path, footer: pq.FileMetaData) -> TraceMetadata:
    text = (footer.metadata or {}).get(KEY.encode())
    if text is None:
        raise TraceError.about(path, f"lacks the metadata '{KEY}'; write it with vmfailover.traces.format.write_trace")
    try:
        return TraceMetadata.from_json(text)
    except ValueError as error:
        raise TraceError.about(path, f"{error}; convert or record the trace again") from error


def _check_schema(path: Path, schema: pa.Schema) -> None:
    for name, types in ACCEPTED_TYPES.items():
        wanted = f"column '{name}' of type {' or '.join(map(str, types))}"
        found = [schema.field(index).type for index in schema.get_all_field_indices(name)]
        if name == IDLE.name and not found:
            continue
        if len(found) != 1:
            number = "no" if not found else "more than one"
            raise TraceError.about(path, f"has {number} column '{name}'; a trace has one {wanted}")
        if found[0] not in types:
            raise TraceError.about(path, f"column '{name}' has type {found[0]}; a trace has a {wanted}")


def _check_rows(path: Path, footer: pq.FileMetaData) -> None:
    rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    if min(rows, default=0) < 0 or sum(rows) != footer.num_rows:
        raise TraceError.about(path, "contradicts itself about its number of rows; record or copy it again")
    if footer.num_rows == 0:
        raise TraceError.about(path, "has no records; record or convert it again")


def write_trace(
    path: Path,
    pieces: Iterable[Columns],
    metadata: TraceMetadata,
    complete: Callable[[TraceMetadata], TraceMetadata] = lambda counted: counted,
    *,
    idle_time: bool = False,
) -> TraceMetadata:
    """Writes the records of `pieces`, in order, as a trace at `path`, which appears only once it is whole.

    Columns may have any integer type that holds only values which fit those of the file; that of idle time is written
    if it is wanted, and then all pieces have it. The totals (accesses, instructions, idle time) of `metadata` are
    replaced by those counted; `complete` then adds what is known only after the last piece. Returns the metadata as
    written. Raises TraceError for records that contradict the metadata and for no records at all, OSError where the
    file cannot be written.
    """
    metadata = replace(metadata, accesses=0, instructions=0, idle_ns=0 if idle_time else None)
    metadata.check()
    schema = SCHEMA.append(IDLE) if idle_time else SCHEMA
    with placed_whole(path) as unfinished, pq.ParquetWriter(unfinished, schema, **_WRITING) as writer:
        for table in _row_groups(_table(path, piece, schema, metadata) for piece in pieces):
            writer.write_table(table, _ROW_GROUP_ROWS)
            metadata = _counted(metadata, table)
        if metadata.accesses == 0:
            raise TraceError.about(path, "would have no records; give at least one")
        metadata = complete(metadata)
        writer.add_key_value_metadata({KEY: metadata.to_json()})
    return metadata


#: Without the stored Arrow schema, whose metadata would hide what is added at the end.
_WRITING: Any = {"compression": "zstd", "write_page_checksum": True, "store_schema": False}


def _table(path: Path, piece: Columns, schema: pa.Schema, metadata: TraceMetadata) -> pa.Table:
    check_columns(path, piece, metadata)
    try:
        arrays = [pa.array(getattr(piece, field.name)).cast(field.type) for field in schema]
    except pa.ArrowInvalid as error:
        raise TraceError.about(path, f"a value does not fit the format ({error})") from error
    return pa.Table.from_arrays(arrays, schema=schema)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of the tables in tables of a row group's size (the last one: what remains)."""
    pending: list[pa.Table] = []
    for table in tables:
        pending.append(table)
        if sum(map(len, pending)) >= _ROW_GROUP_ROWS:
            joined = pa.concat_tables(pending)
            whole = len(joined) // _ROW_GROUP_ROWS * _ROW_GROUP_ROWS
            yield joined[:whole]
            pending = [joined[whole:]]
    if sum(map(len, pending)):
        yield pa.concat_tables(pending)


def _counted(metadata: TraceMetadata, table: pa.Table) -> TraceMetadata:
    idle_ns = None if metadata.idle_ns is None else metadata.idle_ns + pc.sum(table[IDLE.name]).as_py()
    return replace(
        metadata,
        accesses=metadata.accesses + pc.sum(table["count"]).as_py(),
        instructions=metadata.instructions + pc.sum(table["instructions"]).as_py(),
        idle_ns=idle_ns,
    )
