"""Recordings to convert: files with what has to be found in them, and one of each format made here."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from vmfailover.traces.convert.formats.qemu_plugin import HEADER, MAGIC, RECORD, VERSION

FORMATS = Path(__file__).parents[1] / "formats"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FORMATS / "expected.json").read_text())
#: Files that are refused unless one is tolerant, with the place that is told and what is left out otherwise.
FAULTY = {
    "stderr-mixed.lackey": (":6: ", {"lines that are no records": 5}),
    "truncated.lackey": (":4005: ", {"lines that are no records": 1}),
    "truncated.champsim.gz": (": byte 32000: ", {"records cut off at the end": 1}),
    "truncated.gem5.ptrc": (": byte 264817: ", {"records cut off at the end": 1}),
}
#: Files in which there is nothing to convert, and what is said of them.
NOTHING = {
    "fetches-only.lackey": ": has no accesses to memory that could be converted (only 3,207 instructions)",
    "empty.lackey": ": is empty",
    "header-only.lackey": ": has no accesses to memory that could be converted (no records)",
    "bad-label.din": ":2: the line '9 10' has no operation",
    "blank-line.din": None,
}
WHOLE = sorted(EXPECTED.keys() - FAULTY.keys() - NOTHING.keys())


def recording(*records: tuple[int, int, int, int, int, int], physical: bool = True, version: int = VERSION) -> bytes:
    """Return a recording of the emulator's plug-in: address, instructions, idle_ns, size, vCPU and flags of each."""
    header = np.array([(MAGIC, version, int(physical), bytes(16))], HEADER)
    return header.tobytes() + np.array(list(records), RECORD).tobytes()


def entry(kind: int, size: int, address: int) -> bytes:
    """Return an entry of drmemtrace."""
    return struct.pack("<HHQ", kind, size, address)


def thread_file(thread: int, *entries: bytes) -> bytes:
    """Return a file of drmemtrace of one thread."""
    return entry(25, 0, 4) + entry(22, 4, thread) + b"".join(entries) + entry(23, 0, thread) + entry(26, 0, 0)
