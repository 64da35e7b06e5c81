"""Reading the records of a trace file as a stream, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.columns import (
    IDLE,
    SCHEMA,
    Columns,
    check_columns,
    check_vcpus,
    converted_errors,
    decode,
    decode_column,
)
from vmfailover.traces.metadata import TraceError, TraceMetadata

__all__ = ["TraceFile"]

#: Each column is read a mebibyte at a time, so that a large row group does not fill the memory.
_STREAMING: Any = {"pre_buffer": False, "buffer_size": 1 << 20, "page_checksum_verification": True}


#: More than a column of 32 bits holds.
_MOST_INSTRUCTIONS = 1 << 32


class _Stretch(NamedTuple):
    """Row groups that are read together."""

    row_groups: range
    records: int


def _stretches(rows: Sequence[int], most: int) -> list[_Stretch]:
    """Row groups in order, given by their rows, joined as long as they make no more than `most` records."""
    stretches: list[_Stretch] = []
    for group, records in enumerate(rows):
        if stretches and stretches[-1].records + records <= most:
            stretches[-1] = _Stretch(range(stretches[-1].row_groups.start, group + 1), stretches[-1].records + records)
        else:
            stretches.append(_Stretch(range(group, group + 1), records))
    return stretches


class TraceFile:
    """A trace file whose form `open_trace` has checked; its values are checked as they are read.

    It is read in stretches, each of one row group, or of several small ones in a row. Whatever reads values raises
    TraceError when they are damaged or contradict the metadata.
    """

    #: Records in a chunk, at most.
    CHUNK_RECORDS = 1 << 20
    #: A trace of at most so many records is decoded once, on first use, and kept.
    KEEP_RECORDS = 8 << 20
    #: Of a longer one, the stretches of row groups decoded last are kept, for those who read it one behind the other.
    RECENT_ROW_GROUPS = 8

    def __init__(self, path: Path, metadata: TraceMetadata, footer: pq.FileMetaData, chunk_records: int | None) -> None:
        #: The file.
        self.path = path
        #: What the file says about itself.
        self.metadata = metadata
        #: Records in the file, of all vCPUs.
        self.records: int = footer.num_rows
        self._footer = footer
        self._columns = [*SCHEMA.names, *({IDLE.name} & {*footer.schema.names})]
        self._chunk_records = chunk_records or self.CHUNK_RECORDS
        rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
        self._stretches = _stretches(rows, self._chunk_records)
        self._recent = lru_cache(self.RECENT_ROW_GROUPS)(lambda stretch: tuple(self._decoded(stretch)))

    def vcpu_records(self, vcpu: int) -> int:
        """The number of records of a vCPU, which may be none."""
        return int(self._starts[vcpu, -1])

    def interleaved(self) -> Iterator[Columns]:
        """The records of all vCPUs in the order of the file, in pieces of at most a chunk's records."""
        return (piece for stretch in self._stretches for piece in self._decoded(stretch))

    @property
    def most_instructions(self) -> int:
        """Instructions of the record that has most; where the file has no statistics, the most that it could have."""
        index = self._footer.schema.names.index("instructions")
        columns = (self._footer.row_group(group).column(index) for group in range(self._footer.num_row_groups))
        found = [column.statistics for column in columns]
        known = all(each is not None and each.has_min_max for each in found)
        return max(int(each.max) for each in found) if known else _MOST_INSTRUCTIONS

    def idle_vcpus(self) -> tuple[int, ...]:
        """The vCPUs that have records, but not one instruction; reads no further than it has to."""
        records, instructions = (np.zeros(self.metadata.vcpus, np.int64) for _ in range(2))
        for stretch in self._stretches:
            for batch in self._batches(stretch, ["vcpu", "instructions"]):
                vcpu = decode_column(self.path, batch, "vcpu")
                check_vcpus(self.path, vcpu, self.metadata)
                executed = decode_column(self.path, batch, "instructions")
                records += np.bincount(vcpu, minlength=len(records))
                instructions += np.bincount(vcpu[executed > 0], minlength=len(records))
                if instructions.all():
                    return ()
        return tuple(int(vcpu) for vcpu in np.flatnonzero((records > 0) & (instructions == 0)))

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on; none if it has no more than `first`.

        Raises IndexError for a vCPU that the trace does not have.
        """
        if not 0 <= vcpu < self.metadata.vcpus:
            raise IndexError(f"vCPU {vcpu} of a trace with {self.metadata.vcpus}")
        kept = self.records <= self.KEEP_RECORDS
        chunks = self._kept[vcpu] if kept else self._streamed(vcpu, first)
        return (c.part(max(0, first - c.first), c.records) for c in chunks if c.first + c.records > first)

    @cached_property
    def _kept(self) -> list[list[AccessChunk]]:
        """The whole stream of each vCPU."""
        pieces = list(self.interleaved())
        return [list(self._of_vcpu(vcpu, pieces, 0)) for vcpu in range(self.metadata.vcpus)]

    def _streamed(self, vcpu: int, first: int) -> Iterator[AccessChunk]:
        """A vCPU's stream from the stretch on in which its record `first` is."""
        starts = self._starts[vcpu]
        at = int(np.searchsorted(starts, first, side="right")) - 1
        pieces = (piece for stretch in self._stretches[at:] for piece in self._shared(stretch))
        return self._of_vcpu(vcpu, pieces, int(starts[at]))

    def _shared(self, stretch: _Stretch) -> Iterable[Columns]:
        """The checked columns of a stretch, which is kept for a while unless it is too large."""
        return self._recent(stretch) if stretch.records <= self.CHUNK_RECORDS else self._decoded(stretch)

    def _of_vcpu(self, vcpu: int, pieces: Iterable[Columns], position: int) -> Iterator[AccessChunk]:
        for columns in pieces:
            for chunk in columns.of_vcpu(vcpu, self.metadata.vcpus, position):
                position += chunk.records
                yield chunk

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """int64[vcpus, stretches + 1]: each vCPU's records before a stretch; in the last column, in the file."""
        if self.metadata.vcpus == 1:
            counts = [[stretch.records] for stretch in self._stretches]
        else:
            counts = [self._counts(stretch) for stretch in self._stretches]
        return np.cumsum([[0] * self.metadata.vcpus, *counts], axis=0, dtype=np.int64).T

    def _counts(self, stretch: _Stretch) -> list[int]:
        """The records of each vCPU in a stretch."""
        counts = np.zeros(self.metadata.vcpus, np.int64)
        for batch in self._batches(stretch, ["vcpu"]):
            vcpu = decode_column(self.path, batch, "vcpu")
            check_vcpus(self.path, vcpu, self.metadata)
            counts += np.bincount(vcpu, minlength=len(counts))
        return counts.tolist()

    def _decoded(self, stretch: _Stretch) -> Iterator[Columns]:
        """The checked columns of a stretch, in pieces of at most a chunk's records."""
        for batch in self._batches(stretch, self._columns):
            columns = decode(self.path, batch)
            check_columns(self.path, columns, self.metadata)
            yield columns

    def _batches(self, stretch: _Stretch, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        missing = stretch.records
        with converted_errors(self.path):
            file = pq.ParquetFile(self.path.absolute(), metadata=self._footer, **_STREAMING)
        with file:
            batches = file.iter_batches(self._chunk_records, [*stretch.row_groups], list(columns))
            while missing > 0:
                with converted_errors(self.path):
                    batch = next(batches, None)
                if batch is None:
                    raise TraceError.about(self.path, "holds fewer records than it says; record or copy it again")
                missing -= len(batch)
                yield batch
