"""A recorded trace as a workload."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vmfailover.errors import InputError
from vmfailover.guest.workloads.keys import Purpose, child, words
from vmfailover.guest.workloads.trace import TraceWorkload, copy_bytes
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk
from vmfailover.traces.format import open_trace
from vmfailover.traces.reader import TraceFile

__all__ = ["Shift", "TraceAccesses", "opened_trace", "recorded_accesses"]

#: Blocks of a page of 4 KiB.
_PAGE_BLOCKS = 4096 // BLOCK_BYTES
#: A vCPU with fewer records of a trace repeats them several times a chunk.
_SHORT_RECORDS = 1 << 14


class TraceAccesses:
    """The accesses in a trace, once, over and over, or over and over in other places.

    Each vCPU has its own records of the trace; those that a VM has beyond the trace's stand still, or have copies, each
    round of them in a range of memory of its own. Record numbers keep counting when the trace is repeated. `shifted`
    repetitions differ, as `Shift` says, also from copy to copy. Reading raises TraceError where
    the file is damaged.
    """

    def __init__(
        self,
        trace: TraceFile,
        vcpus: int,
        repeat: bool | Literal["shifted"],
        seed: np.random.SeedSequence | int = 0,
        *,
        copies: bool = False,
    ) -> None:
        """Raises InputError if the trace is of more vCPUs than the VM has."""
        recorded = trace.metadata.vcpus
        if recorded > vcpus:
            raise InputError(f"{trace.path}: is of {recorded} vCPUs and the VM has {vcpus}; set vm.vcpus to {recorded}")
        self._trace = trace
        self._repeat = repeat
        self._seed = child(seed)
        self._copies = copies
        self._copy_blocks = copy_bytes(trace.metadata) // BLOCK_BYTES

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, to the end if the trace is not repeated."""
        copy, recorded = divmod(vcpu, self._trace.metadata.vcpus)
        if not copy:
            return self._of_copy(0, recorded, first)
        if not self._copies:
            return iter(())
        away = np.uint32(copy * self._copy_blocks)
        return (chunk._replace(block=chunk.block + away) for chunk in self._of_copy(copy, recorded, first))

    def _of_copy(self, copy: int, vcpu: int, first: int) -> Iterator[AccessChunk]:
        """Return the records of a recorded vCPU in one of the copies, at the addresses of the first."""
        if not self._repeat:
            return self._trace.chunks(vcpu, first)
        records = self._trace.vcpu_records(vcpu)
        short = self._repeat is True and 0 < records < _SHORT_RECORDS and not self._trace.metadata.idle_ns
        if short:
            return self._short_repetitions(vcpu, records, first)
        return self._repetitions(copy, vcpu, records, first)

    def _short_repetitions(self, vcpu: int, records: int, first: int) -> Iterator[AccessChunk]:
        """Yield many repetitions a chunk, since each chunk takes its time whatever is in it."""
        once = list(self._trace.chunks(vcpu, 0))
        repetitions = _SHORT_RECORDS // records
        block, write, count, instructions = (
            np.tile(np.concatenate([getattr(chunk, name) for chunk in once]), repetitions + 1)
            for name in ("block", "write", "count", "instructions")
        )
        several = AccessChunk(0, block, write, count, instructions)
        while True:
            start = first % records
            part = several.part(start, start + repetitions * records)
            yield part._replace(first=first)
            first += part.records

    def _repetitions(self, copy: int, vcpu: int, records: int, first: int) -> Iterator[AccessChunk]:
        while records:
            repetition, done = divmod(first, records)
            shift = self._shift(copy, repetition)
            start = int(shift.start * records)
            place = start + done if start + done < records else start + done - records
            stop = start if place < start else records
            for chunk in self._trace.chunks(vcpu, place):
                part = chunk.part(0, min(chunk.records, stop - place))
                yield part._replace(first=first, block=shift.moved(part.block))
                first += part.records
                place += part.records
                if place == stop:
                    break

    def _shift(self, copy: int, repetition: int) -> Shift:
        """How a repetition in a copy differs from the recording, which is itself the first."""
        if self._repeat != "shifted" or repetition == 0:
            return Shift(0.0, 0, 0)
        start, pages = words(child(self._seed, Purpose.REPETITION, repetition, *([copy] if copy else [])), 2).tolist()
        pairs = self._trace.metadata.memory_bytes // (2 * _PAGE_BLOCKS * BLOCK_BYTES)
        return Shift(start / 2**64, pages * pairs >> 64, pairs)


class Shift:
    """What makes one repetition of a trace another stretch of the same guest's life.

    It begins elsewhere in the trace, the same part of the way for every vCPU, and goes round to there; and every
    second page of 4 KiB is moved by a number of pages, round the memory of the recorded guest. So a repetition has the
    instructions, the loads and stores, the order (but for one cut) and as many lines and pages as the recording, at
    addresses that the recorded guest had; half of its pages are those of all other repetitions, half are its own.
    That makes what is modified grow with time: the redis trace in `scenarios/traces` goes on, in a recording of four
    times its length, to modify 2.2 times as many lines as in its own, and repeated like this, 2.5 times as many. What
    is lost is which data the guest comes back to after more than a repetition, and whatever lies across two pages.
    """

    def __init__(self, start: float, pairs_on: int, pairs: int) -> None:
        """Begin at a part of the trace, from 0 up to 1, and move every second page on by twice `pairs_on` pages.

        Memory has `pairs` pairs of pages.
        """
        self.start = start
        self._blocks_on = np.uint64(2 * _PAGE_BLOCKS * pairs_on)
        self._blocks = np.uint64(2 * _PAGE_BLOCKS * pairs)

    def moved(self, block: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Where blocks (uint32[n]) of the recording are in this repetition."""
        if not self._blocks_on:
            return block
        moves = (block & np.uint32(_PAGE_BLOCKS) != 0) & (block < self._blocks)
        there = (block + self._blocks_on) % self._blocks
        return np.where(moves, there, block).astype(np.uint32)


def recorded_accesses(
    spec: TraceWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence
) -> TraceAccesses:
    """The accesses that a scenario's trace has, which do not depend on `line_bytes`."""
    del line_bytes
    return TraceAccesses(opened_trace(spec.trace), vcpus, spec.repeat, seed, copies=spec.spread is not None)


def opened_trace(path: Path) -> TraceFile:
    """Open a trace, or the one opened last if it is the same still: a study runs it again and again.

    Raises TraceError for a file that is not a trace.
    """
    return _opened(path, _fingerprint(path))


def _fingerprint(path: Path) -> tuple[int, int] | None:
    """What changes with the contents of a file; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1)
def _opened(path: Path, fingerprint: tuple[int, int] | None) -> TraceFile:
    del fingerprint
    return open_trace(path)
