"""Several synthetic patterns in turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from vmfailover.guest.workloads.keys import Purpose, child
from vmfailover.guest.workloads.mix import MixWorkload
from vmfailover.guest.workloads.paced.accesses import paced
from vmfailover.guest.workloads.synthetic.accesses import SyntheticAccesses
from vmfailover.guest.workloads.workload import Workload
from vmfailover.traces.accesses import AccessChunk

__all__ = ["MixedAccesses", "mixed_accesses"]


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
        self._lengths = [phase.accesses for phase in spec.phases]
        self._starts = list(accumulate(self._lengths, initial=0))
        alike = len({phase.parallelism for phase in self._phases}) == 1
        #: Whole rounds that fit into one chunk; 0 where a chunk cannot go beyond a phase.
        self._rounds = SyntheticAccesses.CHUNK_RECORDS // self._starts[-1] if alike else 0

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, without end."""
        while True:
            number, within = divmod(first, self._starts[-1])
            chunk = self._chunk(vcpu, first) if within or not self._rounds else self._whole_rounds(vcpu, number)
            yield chunk
            first += chunk.records

    def _whole_rounds(self, vcpu: int, number: int) -> AccessChunk:
        """As many rounds from round `number` on as fit into a chunk, each phase being made for all of them at once."""
        rounds = self._rounds
        parts = [
            phase.chunk(vcpu, number * records, rounds * records)
            for phase, records in zip(self._phases, self._lengths, strict=True)
        ]
        block, write, count, instructions = (
            np.concatenate([getattr(part, name).reshape(rounds, -1) for part in parts], axis=1).ravel()
            for name in ("block", "write", "count", "instructions")
        )
        return AccessChunk(number * self._starts[-1], block, write, count, instructions, parts[0].parallelism)

    def _chunk(self, vcpu: int, first: int) -> AccessChunk:
        """As many records from `first` on as lie in one phase and one chunk."""
        rounds, within = divmod(first, self._starts[-1])
        number = bisect_right(self._starts, within) - 1
        start, stop = self._starts[number], self._starts[number + 1]
        records = min(stop - within, SyntheticAccesses.CHUNK_RECORDS)
        chunk = self._phases[number].chunk(vcpu, rounds * (stop - start) + within - start, records)
        return chunk._replace(first=first)


def mixed_accesses(spec: MixWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence) -> Workload:
    """The accesses that a scenario's mix describes; see MixedAccesses."""
    return paced(MixedAccesses(spec, vcpus, line_bytes, seed), spec, seed)
