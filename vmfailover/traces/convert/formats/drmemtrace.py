"""DynamoRIO's drmemtrace: entries of 12 bytes, u16 type, u16 size, u64 address; a folder, zips, or single files.

Types, as a file has them (trace_entry.h of DynamoRIO, whose aliases take no numbers): 0 load, 1 store, 10 to 16, 31, 48
and 49 an instruction, 17 as many as its size, 30 one if its address is another than the last, 29 none, as it is
executed again without being fetched; 22 says whose entries follow; 28 with size 2 is the time, in microseconds, with
size 9 the kind of file; 26 ends a file. Encodings, other markers, prefetches and flushes are no accesses. An access of
size 0 is one to its first byte. Files of several threads are read together, in the order of the times that they tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from vmfailover.engine.compilation import compiled_in_place, compiled_inline
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
#: State of the reader: thread, address of the last instruction, time, kind of file, whether what is unknown is
#: counted; from COUNTS on, how many entries there were of each meaning.
THREAD, LAST, TIME, KIND, TOLERANT, COUNTS = range(6)
_NONE = "entries that are none"
#: Operations that are handed on together, at least.
_TOGETHER = 1 << 16


class _DrMemTrace:
    name = "drmemtrace"
    tells_instructions = True
    tells_idle_time = False

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
        for start, stop in pairwise(edges):
            if stop > start:
                yield float(piece.time[start]), cut(piece, stop, start)


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
    columns: Any = zip(*pieces, strict=True)
    return Operations(*map(np.concatenate, columns))


def _read(stream: Stream, reading: Reading) -> Iterator[Operations]:
    state = np.zeros(COUNTS + IS_UNKNOWN + 1, np.int64)
    state[TOLERANT] = reading.tolerant
    for offset, block in stream.records(_ENTRY.itemsize):
        entries = np.frombuffer(block, _ENTRY)
        columns = [np.ascontiguousarray(entries[name]) for name in ("type", "size", "address")]
        rows = room_for(len(entries))
        n, at = _put(columns[0], columns[1], columns[2], 0, rows, state)
        _check_kind(stream, int(state[KIND]))
        if at < len(entries):
            place = f"{stream.name}: byte {offset + at * _ENTRY.itemsize}"
            found = f"an entry of type {entries['type'][at]} and size {entries['size'][at]} is none of drmemtrace"
            reading.reject(place, found, _NONE)
        yield cut(rows, n)
    if not state[COUNTS + IS_FOOTER]:
        reading.reject(stream.name, "is cut off, it has no footer at its end", "footers that are missing")
    for kind, name in ((IS_PREFETCH, "prefetches"), (IS_FLUSH, "flushes"), (IS_UNKNOWN, _NONE)):
        reading.leave_out(name, int(state[COUNTS + kind]))


def _check_kind(stream: Stream, kind: int) -> None:
    if kind & _FILTERED:
        raise ConversionError(
            f"{stream.name}: was filtered by a cache when it was recorded, so that most accesses are missing; "
            "record it without -L0_filter"
        )


@compiled_in_place
def _put(types: Any, sizes: Any, addresses: Any, at: Any, rows: Any, state: Any) -> tuple[Any, Any]:
    """Read entries from `at` on, up to the first that is none; return the operations, and its number."""
    n = 0
    while at < len(types):
        meaning, size, address = MEANING[types[at]], np.int64(sizes[at]), addresses[at]
        if meaning == IS_UNKNOWN and not state[TOLERANT]:
            break
        if meaning in (IS_LOAD, IS_STORE):
            kind = STORE if meaning == IS_STORE else LOAD
            n = put_access(rows, n, state[THREAD], address, max(size, 1), kind, np.float64(state[TIME]) * 1e3)
        elif meaning in (IS_INSTRUCTION, IS_PERHAPS, IS_BUNDLE):
            number = size if meaning == IS_BUNDLE else 1
            if meaning != IS_PERHAPS or np.int64(address) != state[LAST]:
                n = put_instructions(rows, n, state[THREAD], number)
                rows.time[n - 1] = np.float64(state[TIME]) * 1e3
            state[LAST] = np.int64(address)
        else:
            _note(meaning, size, np.int64(address), state)
        at += 1
    return n, at


@compiled_inline
def _note(meaning: Any, size: Any, value: Any, state: Any) -> None:
    """Note what is no operation: whose entries follow and when, or a count."""
    if meaning == IS_THREAD:
        state[THREAD] = value
    elif meaning == IS_MARKER and size == TIMESTAMP:
        state[TIME] = value
    elif meaning == IS_MARKER and size == FILE_TYPE:
        state[KIND] = value
    elif meaning != IS_MARKER and meaning != IS_NOTHING:
        state[COUNTS + meaning] += 1


DRMEMTRACE = _DrMemTrace()
