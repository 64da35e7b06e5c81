"""ChampSim's traces: an instruction a record of 64 bytes, with up to two stores and four loads; no sizes.

A record is the instruction's address, whether it branches and the branch is taken (a byte each), 6 bytes of
registers, and addresses stored to (2) and loaded from (4), 0 where there is none. An instruction loads before it
stores. See inc/trace_instruction.h of ChampSim.
"""

from __future__ import annotations

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

__all__ = ["CHAMPSIM"]

_RECORD = np.dtype(
    [("ip", "<u8"), ("branches", "u1", 2), ("registers", "u1", 6), ("stores", "<u8", 2), ("loads", "<u8", 4)]
)
#: Bytes of a record of CloudSuite's traces, which have further registers and addresses.
_CLOUDSUITE = 88
STORES, LOADS = 2, 4


class _ChampSim:
    name = "champsim"
    tells_instructions = True
    tells_idle_time = False

    def recognises(self, head: bytes) -> bool:
        """Whether what would be the flags of branches are flags in all records."""
        return _has_flags(head, _RECORD.itemsize)

    def is_physical(self, head: bytes) -> bool:
        """Its addresses are virtual."""
        del head
        return False

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, one stream after the other."""
        for stream in streams:
            _check_size(stream)
            for offset, block in stream.records(_RECORD.itemsize):
                yield _operations(stream.name, offset, np.frombuffer(block, _RECORD), reading)


def _has_flags(head: bytes, size: int) -> bool:
    """Whether records of so many bytes have an address, and bytes of 0 or 1 where the flags of branches are."""
    whole = np.frombuffer(head[: len(head) // size * size], np.uint8).reshape(-1, size)
    return len(whole) > 0 and bool((whole[:, 8:10] <= 1).all() and whole[:, :8].any(axis=1).all())


def _check_size(stream: Stream) -> None:
    if not _has_flags(stream.head, _RECORD.itemsize) and _has_flags(stream.head, _CLOUDSUITE):
        raise ConversionError(
            f"{stream.name}: has records of {_CLOUDSUITE} bytes as CloudSuite's traces do, ChampSim's have "
            f"{_RECORD.itemsize}; convert them to ChampSim's, or give them as columns"
        )


def _operations(name: str, offset: int, records: Any, reading: Reading) -> Operations:
    wrong = np.flatnonzero((records["branches"] > 1).any(axis=1))
    if wrong.size:
        place = f"{name}: byte {offset + int(wrong[0]) * _RECORD.itemsize}"
        reading.reject(
            place, "is no record of ChampSim, its flags of a branch are neither 0 nor 1", "records that are none"
        )
        reading.leave_out("records that are none", wrong.size - 1)
        records = np.delete(records, wrong)
    rows = room_for(len(records) * (1 + STORES + LOADS))
    loads, stores = np.ascontiguousarray(records["loads"]), np.ascontiguousarray(records["stores"])
    return cut(rows, _put(loads, stores, reading.assumed_size, rows))


@compiled_in_place
def _put(loads: Any, stores: Any, size: int, rows: Any) -> int:
    n = 0
    for i in range(len(loads)):
        n = put_instructions(rows, n, 0, 1)
        for j in range(LOADS):
            if loads[i, j] != 0:
                n = put_access(rows, n, 0, loads[i, j], size, LOAD, np.nan)
        for j in range(STORES):
            if stores[i, j] != 0:
                n = put_access(rows, n, 0, stores[i, j], size, STORE, np.nan)
    return n


CHAMPSIM = _ChampSim()
