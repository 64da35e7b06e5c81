"""The one way to a workload's accesses, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from vmfailover.guest.workloads.keys import child
from vmfailover.guest.workloads.mix import MixedAccesses
from vmfailover.guest.workloads.synthetic import SyntheticAccesses
from vmfailover.guest.workloads.trace import TraceAccesses
from vmfailover.scenario.workload import MixWorkload, SyntheticPhase, TraceWorkload
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import open_trace
from vmfailover.traces.reader import TraceFile

__all__ = ["Workload", "open_workload", "opened_trace"]


class Workload(Protocol):
    """What each vCPU of a VM does to the memory."""

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU (from 0) from its record number `first` on, exactly as a stream from 0 has them.

        The chunk's `first` says which record it begins with; a stream that ends, ends the guest's work.
        """


def open_workload(
    spec: TraceWorkload | SyntheticPhase | MixWorkload,
    vcpus: int,
    line_bytes: int | None = None,
    seed: np.random.SeedSequence | int = 0,
) -> Workload:
    """The workload that a scenario describes, for a VM of `vcpus` vCPUs.

    `line_bytes` (a multiple of 64; None: 64) is the size of the nodes of a pointer chase; nothing else depends on
    it. The same seed gives the same accesses on every machine; of a trace, only shifted repetitions depend on it.
    Raises InputError (for a trace file: TraceError) for a workload that cannot be.
    """
    if isinstance(spec, TraceWorkload):
        return TraceAccesses(opened_trace(spec.trace), vcpus, spec.repeat, seed)
    if isinstance(spec, MixWorkload):
        return MixedAccesses(spec, vcpus, line_bytes, child(seed))
    return SyntheticAccesses(spec, vcpus, line_bytes, child(seed))


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
