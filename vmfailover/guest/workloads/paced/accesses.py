"""Accesses that are due at instants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vmfailover.guest.workloads.keys import Purpose, child, words
from vmfailover.guest.workloads.paced import PacedWorkload
from vmfailover.guest.workloads.workload import Workload
from vmfailover.traces.accesses import AccessChunk

__all__ = ["Even", "PacedAccesses", "Random", "Schedule", "paced"]

#: Records whose random instants are drawn at once: that many come in their time, whatever happens within it.
DRAWN = 1 << 15


class Schedule(Protocol):
    """When the records of a stream are due."""

    def due_ns(self, vcpu: int, record: int) -> int:
        """The instant of a vCPU's record, never before that of the record before it."""


class Even:
    """Instants at equal distances, the first of every vCPU at 0."""

    def __init__(self, rate: float) -> None:
        """Have `rate` records a second be due."""
        self._apart_ns = 1e9 / rate

    def due_ns(self, vcpu: int, record: int) -> int:
        """See Schedule."""
        del vcpu
        return round(record * self._apart_ns)


class Random:
    """Instants at random, as good as independent of each other; each vCPU has its own."""

    def __init__(self, rate: float, seed: np.random.SeedSequence) -> None:
        """Have `rate` records a second be due on average."""
        self._span_ns = DRAWN * 1e9 / rate
        self._seed = seed
        self._drawn: dict[int, tuple[int, NDArray[np.float64]]] = {}

    def due_ns(self, vcpu: int, record: int) -> int:
        """See Schedule."""
        part, index = divmod(record, DRAWN)
        return round((part + float(self._instants(vcpu, part)[index])) * self._span_ns)

    def _instants(self, vcpu: int, part: int) -> NDArray[np.float64]:
        """Return instants of one part, as shares of its time, in order."""
        if self._drawn.get(vcpu, (None,))[0] != part:
            drawn = np.sort(words(child(self._seed, Purpose.INSTANTS, vcpu, part), DRAWN))
            self._drawn[vcpu] = part, drawn / 2.0**64
        return self._drawn[vcpu][1]


class PacedAccesses:
    """The records of another workload, each due at its own instant, or some of them together."""

    def __init__(self, unpaced: Workload, schedule: Schedule, together: int) -> None:
        """Let so many records at a time be due as `schedule` says."""
        self._unpaced = unpaced
        self._schedule = schedule
        self._together = together

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, one in each chunk."""
        for chunk in self._unpaced.chunks(vcpu, first):
            for index in range(chunk.records):
                due_ns = self._schedule.due_ns(vcpu, (chunk.first + index) // self._together)
                yield chunk.part(index, index + 1)._replace(due_ns=due_ns)


def paced(unpaced: Workload, spec: PacedWorkload, seed: np.random.SeedSequence) -> Workload:
    """The workload, its records due at their instants if the scenario gives a rate."""
    if spec.rate is None:
        return unpaced
    instants = spec.rate / spec.together
    schedule: Schedule = Even(instants) if spec.arrivals == "even" else Random(instants, seed)
    return PacedAccesses(unpaced, schedule, spec.together)
