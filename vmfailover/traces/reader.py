"""Reading the records of a trace file as a stream, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
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

    def __init__(self, path: Path, metadata: TraceMetadata, footer: pq.FileMetaData, chunk_records: int | None) -> None:
        #: The file.
        self.path = path
        #: What the file says about itself.
        self.metadata = metadata
        #: Records in the file, of all vCPUs.
        self.records: int = footer.num_rows
        self._footer = footer
        self._chunk_records = chunk_records or self.CHUNK_RECORDS

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
        pieces = list(self._decoded(0))
        return [list(self._of_vcpu(vcpu, pieces, 0)) for vcpu in range(self.metadata.vcpus)]

    def _streamed(self, vcpu: int, first: int) -> Iterator[AccessChunk]:
        """A vCPU's stream from the row group on in which its record `first` is."""
        starts = self._starts[vcpu]
        row_group = int(np.searchsorted(starts, first, side="right")) - 1
        return self._of_vcpu(vcpu, self._decoded(row_group), int(starts[row_group]))

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
        for batch in self._batches([row_group], ["vcpu"]):
            vcpu = decode_column(self.path, batch, "vcpu")
            check_vcpus(self.path, vcpu, self.metadata)
            counts += np.bincount(vcpu, minlength=len(counts))
        return counts.tolist()

    def _decoded(self, row_group: int) -> Iterator[Columns]:
        """The checked columns from a row group on, in pieces of at most a chunk's records."""
        row_groups = range(row_group, self._footer.num_row_groups)
        for batch in self._batches(row_groups, Columns._fields):
            columns = decode(self.path, batch)
            check_columns(self.path, columns, self.metadata)
            yield columns

    def _batches(self, row_groups: Sequence[int], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        missing = sum(self._footer.row_group(group).num_rows for group in row_groups)
        with converted_errors(self.path):
            file = pq.ParquetFile(self.path, metadata=self._footer, **_STREAMING)
        with file:
            batches = file.iter_batches(self._chunk_records, list(row_groups), list(columns))
            while missing > 0:
                with converted_errors(self.path):
                    batch = next(batches, None)
                if batch is None:
                    raise TraceError.about(self.path, "holds fewer records than it says; record or copy it again")
                missing -= len(batch)
                yield batch
