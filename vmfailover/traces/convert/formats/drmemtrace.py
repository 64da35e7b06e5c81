"""DynamoRIO's drmemtrace: entries of 12 bytes, u16 type, u16 size, u64 address; a folder, zips, or single files.

Types, as a file has them (trace_entry.h of DynamoRIO, whose aliases take no numbers): 0 load, 1 store, 10 to 16, 31, 48
and 49 an instruction, 17 as many as its size, 30 one if its address is another than the last, 29 none, as it is
executed again without being fetched (an access of size 0 is to its first byte); 22 says whose entries follow; 28 with size 2 is the time, in microseconds, with
size 9 the kind of file; 26 ends a file. Encodings, other markers, prefetches and flushes are no accesses.
Files of several threads are read together, in the order of the times that they tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.traces.convert.operations import (
    LOAD,
    STORE,
    Operations,
    cut,
    put_access,
    put_instructions,
    room_for,
)
from vmfailover.traces.convert.reading import ConversionError, Reading
from vmfailover.traces.convert.streams import Stream

__all__ = ["DRMEMTRACE"]

_ENTRY = np.dtype([("type", "<u2"), ("size", "<u2"), ("address", "<u8")])
#: What an entry is.
IS_LOAD, IS_STORE, IS_INSTRUCTION, IS_BUNDLE, IS_PERHAPS, IS_THREAD, IS_MARKER = range(7)
IS_NOTHING, IS_PREFETCH, IS_FLUSH, IS_FOOTER, IS_UNKNOWN = range(7, 12)
MEANING = np.full(1 << 16, IS_UNKNOWN, np.uint8)
MEANING[:50] = IS_PREFETCH
MEANING[[0, 1, 17, 30, 22, 28, 26]] = IS_LOAD, IS_STORE, IS_BUNDLE, IS_PERHAPS, IS_THREAD, IS_MARKER, IS_FOOTER
MEANING[[*range(10, 17), 31, 48, 49]] = IS_INSTRUCTION
MEANING[[23, 24, 25, 29, 47]] = IS_NOTHING
MEANING[[18, 19, 20, 21]] = IS_FLUSH
#: Markers that are looked at.
TIMESTAMP, FILE_TYPE = 2, 9
#: Bits of the kind of file: what a cache has filtered.
_FILTERED = 0x1 | 0x100
_HEADER = 25
#: State of the reader: thread, address of the last instruction, time, kind of file, prefetches, flushes, footers.
THREAD, LAST, TIME, KIND, PREFETCHES, FLUSHES, FOOTERS, STATES = range(8)
#: Operations that are handed on together, at least.
_TOGETHER = 1 << 16


class _DrMemTrace:
    name = "drmemtrace"
    tells_instructions = True

    def recognises(self, head: bytes) -> bool:
        """Whether the first entry is a header, of a version below 256."""
        first = np.frombuffer(head[: _ENTRY.itemsize], _ENTRY) if len(head) >= _ENTRY.itemsize else np.zeros(0, _ENTRY)
        return bool(first.size) and int(first["type"][0]) == _HEADER and int(first["address"][0]) < 256

    def is_physical(self, head: bytes) -> bool:
        """Its addresses are virtual."""
        del head
        return False

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, in the order of their times."""
        if len(streams) == 1:
            return _read(streams[0], reading)
        timed = (_moments(_read(stream, reading)) for stream in streams)
        return _joined(operations for _, operations in heapq.merge(*timed, key=lambda moment: moment[0]))


def _moments(pieces: Iterator[Operations]) -> Iterator[tuple[float, Operations]]:
    """Yield the operations between one time told and the next, with the first of them."""
    for piece in pieces:
        edges = [0, *(np.flatnonzero(np.diff(piece.time)) + 1).tolist(), len(piece.time)]
        for start, stop in zip(edges, edges[1:], strict=False):
            if stop > start:
                yield float(piece.time[start]), Operations(*(column[start:stop] for column in piece))


def _joined(pieces: Iterator[Operations]) -> Iterator[Operations]:
    """Yield the operations in pieces of a size that is worth handling."""
    together: list[Operations] = []
    number = 0
    for piece in pieces:
        together.append(piece)
        number += len(piece.kind)
        if number >= _TOGETHER:
            yield _concatenated(together)
            together, number = [], 0
    if together:
        yield _concatenated(together)


def _concatenated(pieces: list[Operations]) -> Operations:
    return Operations(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))


def _read(stream: Stream, reading: Reading) -> Iterator[Operations]:
    state = np.zeros(STATES, np.int64)
    for offset, block in stream.records(_ENTRY.itemsize):
        entries = np.frombuffer(block, _ENTRY)
        columns = [np.ascontiguousarray(entries[name]) for name in ("type", "size", "address")]
        rows, at = room_for(len(entries) + 1), 0
        while at < len(entries):
            n, at = _put(*columns, at, rows, state)
            yield cut(rows, n)
            _check_kind(stream, int(state[KIND]))
            if at < len(entries):
                place = f"{stream.name}: byte {offset + at * _ENTRY.itemsize}"
                found = f"an entry of type {entries['type'][at]} and size {entries['size'][at]} is none of drmemtrace"
                reading.reject(place, found, "entries that are none")
                rows, at = room_for(len(entries) - at), at + 1
    if not state[FOOTERS]:
        reading.reject(stream.name, "cut off, it has no footer at its end", "footers that are missing")
    reading.leave_out("prefetches", int(state[PREFETCHES]))
    reading.leave_out("flushes", int(state[FLUSHES]))


def _check_kind(stream: Stream, kind: int) -> None:
    if kind & _FILTERED:
        raise ConversionError(
            f"{stream.name}: was filtered by a cache when it was recorded, so that most accesses are missing; "
            "record it without -L0_filter"
        )


@compiled_in_place
def _put(types: Any, sizes: Any, addresses: Any, at: int, rows: Any, state: Any) -> tuple[int, int]:
    """Read entries from `at` on, up to the first that is none; return the operations, and its number."""
    n = 0
    while at < len(types):
        meaning, size = MEANING[types[at]], np.int64(sizes[at])
        before = n
        if meaning == IS_LOAD or meaning == IS_STORE:
            kind = STORE if meaning == IS_STORE else LOAD
            n = put_access(rows, n, state[THREAD], addresses[at], max(size, 1), kind, np.float64(state[TIME]) * 1e3)
        elif meaning == IS_INSTRUCTION or meaning == IS_PERHAPS or meaning == IS_BUNDLE:
            here = np.int64(addresses[at])
            number = size if meaning == IS_BUNDLE else 1
            if meaning != IS_PERHAPS or here != state[LAST]:
                n = put_instructions(rows, n, state[THREAD], number)
                rows.time[n - 1] = np.float64(state[TIME]) * 1e3
            state[LAST] = here
        elif meaning == IS_THREAD:
            state[THREAD] = np.int64(addresses[at])
        elif meaning == IS_MARKER:
            if size == TIMESTAMP:
                state[TIME] = np.int64(addresses[at])
            elif size == FILE_TYPE:
                state[KIND] = np.int64(addresses[at])
        elif meaning == IS_PREFETCH:
            state[PREFETCHES] += 1
        elif meaning == IS_FLUSH:
            state[FLUSHES] += 1
        elif meaning == IS_FOOTER:
            state[FOOTERS] += 1
        elif meaning == IS_UNKNOWN:
            return before, at
        at += 1
    return n, at


DRMEMTRACE = _DrMemTrace()
