"""The recording of vmfailover's own plug-in for the emulator QEMU: 32 bytes of header, then 32 bytes a record.

All numbers are little-endian. Header: 8 bytes `vmftrace`, u32 version (1), u32 flags (bit 0: addresses are
guest-physical), 16 bytes of zeros. Record: u64 address, u64 instructions executed by this vCPU since its previous
record, u64 time that it was idle since then in nanoseconds, u32 size, u16 vCPU, u16 flags (bit 0: a store; bit 1: no
access, only instructions and idle time; bit 2: an access to a device).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vmfailover.traces.convert.operations import LOAD, NO_ACCESS, STORE, Operations
from vmfailover.traces.convert.reading import MOST_BYTES, Reading
from vmfailover.traces.convert.streams import Stream

__all__ = ["HEADER", "MAGIC", "QEMU_PLUGIN", "RECORD", "VERSION"]

MAGIC, VERSION = b"vmftrace", 1
HEADER = np.dtype([("magic", "S8"), ("version", "<u4"), ("flags", "<u4"), ("zeros", "V16")])
RECORD = np.dtype(
    [
        ("address", "<u8"),
        ("instructions", "<u8"),
        ("idle_ns", "<u8"),
        ("size", "<u4"),
        ("vcpu", "<u2"),
        ("flags", "<u2"),
    ]
)
#: Flags of the header, and of a record.
PHYSICAL = 1
STORES, ACCESSES_NOTHING, DEVICE = 1, 2, 4
#: Idle time before a record that is believed, at most: a year.
MOST_IDLE_NS = 365 * 86_400 * 10**9


class _QemuPlugin:
    name = "qemu-plugin"
    tells_instructions = True
    tells_idle_time = True

    def recognises(self, head: bytes) -> bool:
        """Whether the magic is there."""
        return head.startswith(MAGIC)

    def is_physical(self, head: bytes) -> bool:
        """Whether the header says so."""
        return len(head) >= HEADER.itemsize and bool(_header(head)["flags"] & PHYSICAL)

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, one stream after the other."""
        for stream in streams:
            if len(stream.head) >= HEADER.itemsize:
                reading.check_version(stream.name, int(_header(stream.head)["version"]), (VERSION,))
            for offset, block in stream.records(RECORD.itemsize, HEADER.itemsize):
                yield _operations(stream.name, offset, np.frombuffer(block, RECORD), reading)


def _header(head: bytes) -> Any:
    return np.frombuffer(head[: HEADER.itemsize], HEADER)[0]


def _operations(name: str, offset: int, records: Any, reading: Reading) -> Operations:
    flags = records["flags"]
    wrong = (flags > STORES + ACCESSES_NOTHING + DEVICE) | (records["size"] > MOST_BYTES)
    wrong |= (records["instructions"] >= 1 << 32) | (records["idle_ns"] > MOST_IDLE_NS)
    if wrong.any():
        place = f"{name}: byte {offset + int(np.argmax(wrong)) * RECORD.itemsize}"
        reading.reject(place, "is no record of the plug-in", "records that are none")
        reading.leave_out("records that are none", int(wrong.sum()) - 1)
        records, flags = records[~wrong], flags[~wrong]
    reading.leave_out("accesses to devices", int(np.count_nonzero(flags & DEVICE)))
    kind = np.where(flags & (ACCESSES_NOTHING | DEVICE), NO_ACCESS, np.where(flags & STORES, STORE, LOAD))
    return Operations(
        records["vcpu"].astype(np.int64),
        np.ascontiguousarray(records["address"]),
        np.ascontiguousarray(records["size"]),
        kind.astype(np.uint8),
        records["instructions"].astype(np.int64),
        np.full(len(records), np.nan),
        records["idle_ns"].astype(np.int64),
    )


QEMU_PLUGIN = _QemuPlugin()
