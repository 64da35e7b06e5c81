"""Several synthetic patterns in turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from vmfailover.guest.workloads.keys import Purpose, child
from vmfailover.guest.workloads.synthetic import SyntheticAccesses
from vmfailover.scenario.workload import MixWorkload
from vmfailover.traces.accesses import AccessChunk

__all__ = ["MixedAccesses"]


class MixedAccesses:
    """Endless streams in which each phase has its number of records, and after the last comes the first again.

    A phase goes on where it stopped the round before, as though the others were cut out.
    """

    def __init__(self, spec: MixWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence) -> None:
        """See SyntheticAccesses for `line_bytes` and errors."""
        self._phases = [
            SyntheticAccesses(phase, vcpus, line_bytes, child(seed, Purpose.PHASE, number))
            for number, phase in enumerate(spec.phases)
        ]
        self._starts = list(accumulate((phase.accesses for phase in spec.phases), initial=0))

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, without end."""
        while True:
            chunk = self._chunk(vcpu, first)
            yield chunk
            first += chunk.records

    def _chunk(self, vcpu: int, first: int) -> AccessChunk:
        """As many records from `first` on as lie in one phase and one chunk."""
        rounds, within = divmod(first, self._starts[-1])
        number = bisect_right(self._starts, within) - 1
        start, stop = self._starts[number], self._starts[number + 1]
        records = min(stop - within, SyntheticAccesses.CHUNK_RECORDS)
        chunk = self._phases[number].chunk(vcpu, rounds * (stop - start) + within - start, records)
        return chunk._replace(first=first)
