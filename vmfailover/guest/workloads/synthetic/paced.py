"""Accesses that are due at equal distances of time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.synthetic.accesses import SyntheticAccesses
from vmfailover.guest.workloads.workload import Workload
from vmfailover.traces.accesses import AccessChunk

__all__ = ["PacedAccesses", "synthetic_accesses"]


class PacedAccesses:
    """The records of another workload, each due at its own instant; the first of every vCPU is at 0."""

    def __init__(self, unpaced: Workload, rate: float) -> None:
        """Let `rate` records a second of each vCPU be due."""
        self._unpaced = unpaced
        self._apart_ns = 1e9 / rate

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, one in each chunk."""
        for chunk in self._unpaced.chunks(vcpu, first):
            for index in range(chunk.records):
                due_ns = round((chunk.first + index) * self._apart_ns)
                yield chunk.part(index, index + 1)._replace(due_ns=due_ns)


def synthetic_accesses(
    spec: SyntheticWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence
) -> Workload:
    """The accesses that a scenario's synthetic workload describes; see SyntheticAccesses."""
    unpaced = SyntheticAccesses(spec, vcpus, line_bytes, seed)
    return unpaced if spec.rate is None else PacedAccesses(unpaced, spec.rate)
