"""Files that people try, and from which no guest can be made: why."""

from __future__ import annotations

import re

__all__ = ["reason_to_refuse"]

_AGGREGATE = "has sums, not the accesses in their order, which no guest can execute; record a trace instead"
_BELOW_CACHES = "has what left the caches, and the stores that stayed in them are missing; record above the caches"
_SAMPLES = "it has samples, and most accesses are missing; record with lackey or an emulator"
#: What files begin with, or have in their first lines, and why they cannot be converted.
_REASONS = (
    (rb"\A\xff\x06\x00\x00sNaPpY", "is compressed with snappy (.sz), which is not read; give .zip or .gz"),
    (rb"\APERFILE2", f"is of perf: {_SAMPLES}"),
    (rb"^# (Overhead|Samples:|captured on)|\bcpu/mem-(loads|stores)", f"is of perf: {_SAMPLES}"),
    (rb"^\s*Addr, RCPUs, Reads, WCPUs, Writes", f"is of the plug-in hotpages: it {_AGGREGATE}"),
    (rb"^(core #, )?\s*data accesses, data misses", f"is of the plug-in cache: it {_AGGREGATE}"),
    (rb"\A(0x)?[0-9a-fA-F]+ +(P_(MEM_(RD|WR)|FETCH)|READ|WRITE|IFETCH)\b", f"is of DRAMSim: it {_BELOW_CACHES}"),
    (rb"\A(0x)?[0-9a-fA-F]+ +[RW]\s*$", f"is of Ramulator: it {_BELOW_CACHES}"),
    (rb"\A(0|[5-9]|\d\d+) +\d{5,}( +\d{5,})?\s*$\n\d+ +\d{5,} +\d{5,}\s*$", f"is of Ramulator: it {_BELOW_CACHES}"),
    (rb"\A +\d+,\d+ +\d+ +\d+ +[\d.]+ +\d+ +[A-Z] +[A-Z]+ ", "is of blktrace: accesses of a disk, not of memory"),
)


def reason_to_refuse(head: bytes) -> str | None:
    """Return why a file that begins so cannot be converted, with what to do; None if nothing is known against it."""
    start = head[:4096]
    return next((reason for pattern, reason in _REASONS if re.search(pattern, start, re.MULTILINE)), None)
