"""What hot sets store to when they are executed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.studies.fit.curve import Observation, observe
from vmfailover.studies.progress import Progress
from vmfailover.traces.accesses import AccessChunk

__all__ = ["observed_stream", "stream_of"]


def observed_stream(spec: HotSetsWorkload, stores: int, seed: int, progress: Progress) -> Observation:
    """Look at the first so many stores that a VM of one vCPU makes."""
    memory = max(offset + each.span for offset, each in zip(spec.offsets, spec.sets, strict=True))
    accesses = round(2 * stores * (1 + max(each.loads for each in spec.sets)))
    chunks = stream_of(spec, stores, seed, progress)
    return observe(chunks, memory, accesses, round(accesses * spec.instructions_per_access) + 1)


def stream_of(spec: HotSetsWorkload, stores: int, seed: int, progress: Progress) -> Iterator[AccessChunk]:
    """Yield the accesses up to the last store."""
    done = 0
    for chunk in open_workload(spec, 1, seed=seed).chunks(0):
        ends = done + np.cumsum(np.where(chunk.write, chunk.count, 0), dtype=np.int64)
        kept = int(np.searchsorted(ends, stores, side="right"))
        if kept:
            yield chunk.part(0, kept)
        done = int(ends[-1])
        progress(min(done, stores), stores)
        if done >= stores:
            return
