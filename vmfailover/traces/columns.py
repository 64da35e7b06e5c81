"""The columns of a trace file: their types, and the way from Parquet to checked arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk
from vmfailover.traces.metadata import TraceError, TraceMetadata

__all__ = [
    "ACCEPTED_TYPES",
    "IDLE",
    "SCHEMA",
    "Columns",
    "check_columns",
    "check_vcpus",
    "converted_errors",
    "decode",
    "decode_column",
]

#: The column that a trace may do without: time that the vCPU was idle before the record, nanoseconds.
IDLE = pa.field("idle_ns", pa.uint64(), nullable=False)
#: The other columns as they are written.
SCHEMA = pa.schema(
    [
        pa.field("vcpu", pa.uint8(), nullable=False),
        pa.field("block", pa.uint32(), nullable=False),
        pa.field("write", pa.bool_(), nullable=False),
        pa.field("count", pa.uint32(), nullable=False),
        pa.field("instructions", pa.uint32(), nullable=False),
    ]
)
#: The types that are accepted when reading, the written one first.
ACCEPTED_TYPES: dict[str, list[Any]] = {field.name: [field.type] for field in SCHEMA} | {
    "block": [pa.uint32(), pa.uint64()],
    IDLE.name: [pa.uint64(), pa.uint32()],
}
_DECODED_TYPES: dict[str, Any] = {field.name: field.type for field in (*SCHEMA, IDLE)} | {"write": pa.uint8()}
_REMEDY = "convert or record the trace again"


class Columns(NamedTuple):
    """Consecutive rows of a trace file: arrays of equal length, in the order of the file's columns."""

    #: uint8[n]: number of the vCPU.
    vcpu: NDArray[np.uint8]
    #: uint32[n]: guest-physical address // 64.
    block: NDArray[np.uint32]
    #: uint8[n]: 1 for a store, 0 for a load.
    write: NDArray[np.uint8]
    #: uint32[n]: equal accesses in a row.
    count: NDArray[np.uint32]  # type: ignore[assignment]  # hides tuple.count
    #: uint32[n]: instructions executed since the vCPU's previous record.
    instructions: NDArray[np.uint32]
    #: uint64[n]: time that the vCPU was idle before the record, nanoseconds; None where nobody tells.
    idle_ns: NDArray[np.uint64] | None = None

    def of_vcpu(self, vcpu: int, vcpus: int, first: int) -> Iterator[AccessChunk]:
        """The records of one of `vcpus` vCPUs, the first of them numbered `first`; views if there is one vCPU."""
        mine: Any = slice(None) if vcpus == 1 else np.flatnonzero(self.vcpu == vcpu)
        chunk = AccessChunk(first, self.block[mine], self.write[mine], self.count[mine], self.instructions[mine])
        return iter([chunk]) if self.idle_ns is None else _cut_at_idle_time(chunk, self.idle_ns[mine])


def _cut_at_idle_time(chunk: AccessChunk, idle_ns: NDArray[np.uint64]) -> Iterator[AccessChunk]:
    """Yield the parts of a chunk before whose first record there is idle time, and what comes before them."""
    begin = np.flatnonzero(idle_ns[1:]) + 1
    for start, stop in pairwise([0, *begin.tolist(), chunk.records]):
        yield chunk.part(start, stop)._replace(idle_ns=int(idle_ns[start : start + 1].sum()))


def decode(path: Path, batch: pa.RecordBatch) -> Columns:
    """The columns of a batch read from the file at `path`; TraceError for a missing or too large value."""
    return Columns(**{name: decode_column(path, batch, name) for name in batch.schema.names})


def decode_column(path: Path, batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    """The column as a writable array, so that compiled code meets one kind of array; copied only if need be."""
    column = batch.column(name)
    if column.null_count:
        raise TraceError.about(path, f"column '{name}' has missing values; {_REMEDY}")
    kind = _DECODED_TYPES[name]
    try:
        cast = column.cast(kind)
    except pa.ArrowInvalid as error:
        raise TraceError.about(path, f"column '{name}' has a value beyond {kind}; {_REMEDY}") from error
    values = np.frombuffer(cast.buffers()[1], kind.to_pandas_dtype())
    return np.require(values[cast.offset : cast.offset + len(cast)], requirements=["C", "W"])


def check_columns(path: Path, columns: Columns, metadata: TraceMetadata) -> None:
    """Raises TraceError for values that contradict the metadata, or a count of 0."""
    check_vcpus(path, columns.vcpu, metadata)
    if int(columns.block.max(initial=0)) >= metadata.memory_bytes // BLOCK_BYTES:
        raise TraceError.about(path, f"an address lies beyond memory_bytes ({metadata.memory_bytes}); {_REMEDY}")
    if columns.count.min(initial=1) == 0:
        raise TraceError.about(path, f"a count is 0; {_REMEDY}")


def check_vcpus(path: Path, vcpu: NDArray[np.uint8], metadata: TraceMetadata) -> None:
    """Raises TraceError for the number of a vCPU that the metadata do not have."""
    if vcpu.max(initial=0) >= metadata.vcpus:
        raise TraceError.about(path, f"a vCPU number is not below vcpus ({metadata.vcpus}); {_REMEDY}")


@contextmanager
def converted_errors(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong in reading the file into a TraceError."""
    try:
        yield
    except TraceError:
        raise
    except Exception as error:
        detail = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise TraceError.about(path, f"cannot be read ({detail[:200]}); record or copy it again") from error
