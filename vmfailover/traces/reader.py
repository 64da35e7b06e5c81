"""Reading the records of a trace file as a stream, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vmfailover.guest.accesses import AccessChunk
from vmfailover.traces.columns import Columns, check_columns, check_vcpus, converted_errors, decode, decode_column
from vmfailover.traces.metadata import TraceError, TraceMetadata

__all__ = ["TraceFile"]

#: Each column is read a mebibyte at a time, so that a large row group does not fill the memory.
_STREAMING: Any = {"pre_buffer": False, "buffer_size": 1 << 20, "page_checksum_verification": True}


class TraceFile:
    """A trace file whose form `open_trace` has checked; its values are checked as they are read.

    Whatever reads values raises TraceError when they are damaged or contradict the metadata.
    """

    #: Records in a chunk, at most.
    CHUNK_RECORDS = 1 << 20
    #: A trace of at most so many records is decoded once, on first use, and kept.
    KEEP_RECORDS = 8 << 20
    #: Of a longer one, the row groups decoded last are kept, for those who read it one behind the other.
    RECENT_ROW_GROUPS = 8

    def __init__(self, path: Path, metadata: TraceMetadata, footer: pq.FileMetaData, chunk_records: int | None) -> None:
        #: The file.
        self.path = path
        #: What the file says about itself.
        self.metadata = metadata
        #: Records in the file, of all vCPUs.
        self.records: int = footer.num_rows
        self._footer = footer
        self._chunk_records = chunk_records or self.CHUNK_RECORDS
        self._recent = lru_cache(self.RECENT_ROW_GROUPS)(lambda row_group: tuple(self._decoded(row_group)))

    def vcpu_records(self, vcpu: int) -> int:
        """The number of records of a vCPU, which may be none."""
        return int(self._starts[vcpu, -1])

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
        pieces = [piece for row_group in range(self._footer.num_row_groups) for piece in self._decoded(row_group)]
        return [list(self._of_vcpu(vcpu, pieces, 0)) for vcpu in range(self.metadata.vcpus)]

    def _streamed(self, vcpu: int, first: int) -> Iterator[AccessChunk]:
        """A vCPU's stream from the row group on in which its record `first` is."""
        starts = self._starts[vcpu]
        row_group = int(np.searchsorted(starts, first, side="right")) - 1
        pieces = (piece for group in range(row_group, self._footer.num_row_groups) for piece in self._shared(group))
        return self._of_vcpu(vcpu, pieces, int(starts[row_group]))

    def _shared(self, row_group: int) -> Iterable[Columns]:
        """The checked columns of a row group, which is kept for a while unless it is too large."""
        small = self._footer.row_group(row_group).num_rows <= self.CHUNK_RECORDS
        return self._recent(row_group) if small else self._decoded(row_group)

    def _of_vcpu(self, vcpu: int, pieces: Iterable[Columns], position: int) -> Iterator[AccessChunk]:
        for columns in pieces:
            chunk = columns.of_vcpu(vcpu, self.metadata.vcpus, position)
            position += chunk.records
            yield chunk

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """int64[vcpus, row groups + 1]: each vCPU's records before a row group; in the last column, in the file."""
        groups = range(self._footer.num_row_groups)
        if self.metadata.vcpus == 1:
            counts = [[self._footer.row_group(group).num_rows] for group in groups]
        else:
            counts = [self._counts(group) for group in groups]
        return np.cumsum([[0] * self.metadata.vcpus, *counts], axis=0, dtype=np.int64).T

    def _counts(self, row_group: int) -> list[int]:
        """The records of each vCPU in a row group."""
        counts = np.zeros(self.metadata.vcpus, np.int64)
        for batch in self._batches(row_group, ["vcpu"]):
            vcpu = decode_column(self.path, batch, "vcpu")
            check_vcpus(self.path, vcpu, self.metadata)
            counts += np.bincount(vcpu, minlength=len(counts))
        return counts.tolist()

    def _decoded(self, row_group: int) -> Iterator[Columns]:
        """The checked columns of a row group, in pieces of at most a chunk's records."""
        for batch in self._batches(row_group, Columns._fields):
            columns = decode(self.path, batch)
            check_columns(self.path, columns, self.metadata)
            yield columns

    def _batches(self, row_group: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        missing = self._footer.row_group(row_group).num_rows
        with converted_errors(self.path):
            file = pq.ParquetFile(self.path, metadata=self._footer, **_STREAMING)
        with file:
            batches = file.iter_batches(self._chunk_records, [row_group], list(columns))
            while missing > 0:
                with converted_errors(self.path):
                    batch = next(batches, None)
                if batch is None:
                    raise TraceError.about(self.path, "holds fewer records than it says; record or copy it again")
                missing -= len(batch)
                yield batch
