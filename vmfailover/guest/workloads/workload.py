"""The one way to a workload's accesses, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from vmfailover.guest.workloads.keys import child
from vmfailover.scenario.kinds import code_of
from vmfailover.scenario.workload import Workload as WorkloadSpec
from vmfailover.traces.accesses import AccessChunk

__all__ = ["Workload", "open_workload"]


class Workload(Protocol):
    """What each vCPU of a VM does to the memory."""

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU (from 0) from its record number `first` on, exactly as a stream from 0 has them.

        The chunk's `first` says which record it begins with; a stream that ends, ends the guest's work.
        """


def open_workload(
    spec: WorkloadSpec, vcpus: int, line_bytes: int | None = None, seed: np.random.SeedSequence | int = 0
) -> Workload:
    """The workload that a scenario describes, for a VM of `vcpus` vCPUs.

    `line_bytes` (a multiple of 64; None: 64) is the size of the nodes of a pointer chase; nothing else depends on
    it. The same seed gives the same accesses on every machine; of a trace, only shifted repetitions depend on it.
    Raises InputError (for a trace file: TraceError) for a workload, or the code of one, that cannot be.
    """
    workload: Workload = code_of(spec)(spec, vcpus, line_bytes, child(seed))
    return workload
