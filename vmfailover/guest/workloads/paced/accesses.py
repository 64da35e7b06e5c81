"""Accesses that are due at equal distances of time."""

from __future__ import annotations

from collections.abc import Iterator

from vmfailover.guest.workloads.workload import Workload
from vmfailover.traces.accesses import AccessChunk

__all__ = ["PacedAccesses", "paced"]


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


def paced(unpaced: Workload, rate: float | None) -> Workload:
    """The workload, each of its records due at its instant if there is a rate, in records a second."""
    return unpaced if rate is None else PacedAccesses(unpaced, rate)
