"""What the visits to hot sets store to, drawn as a run draws them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS, HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.draws import HotSetDraws, Visits
from vmfailover.studies.fit.curve import Observation, observe
from vmfailover.studies.progress import Progress
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["observed_draws"]


def observed_draws(spec: HotSetsWorkload, stores: int, seed: int, progress: Progress) -> Observation:
    """Look at the first so many stores of what one vCPU draws; the loads among them are counted, and store nothing."""
    memory = max(offset + each.memory for offset, each in zip(spec.offsets, spec.sets, strict=True))
    per_store = spec.instructions_per_access * (1 + max(each.loads for each in spec.sets))
    chunks = _chunks(spec, stores, seed, progress, per_store)
    return observe(chunks, memory, stores, round(2 * stores * per_store) + 1)


def _chunks(
    spec: HotSetsWorkload, stores: int, seed: int, progress: Progress, per_store: float
) -> Iterator[AccessChunk]:
    draws, done, tick = HotSetDraws(spec, 1, seed), 0, 0
    while done < stores:
        chunk = _chunk(spec, draws.visits(0, tick), per_store)
        ends = done + np.cumsum(chunk.count, dtype=np.int64)
        kept = int(np.searchsorted(ends, stores, side="right"))
        if kept:
            yield chunk.part(0, kept)
        done, tick = int(ends[-1]) if len(ends) else done, tick + 1
        progress(min(done, stores), stores)


def _chunk(spec: HotSetsWorkload, visits: Visits, per_store: float) -> AccessChunk:
    """Return the stores of visits, a record a block."""
    bursts = np.array([each.burst // BLOCK_BYTES for each in spec.sets])[visits.set]
    first = visits.page.astype(np.int64) * PAGE_BLOCKS + visits.block
    within = np.arange(bursts.sum()) - np.repeat(np.cumsum(bursts) - bursts, bursts)
    count = _whole(np.repeat(np.array([each.stores for each in spec.sets])[visits.set], bursts))
    block = (np.repeat(first, bursts) + within).astype(np.uint32)
    return AccessChunk(0, block, np.ones(block.size, np.uint8), count, _whole(count * per_store))


def _whole(means: NDArray[Any]) -> NDArray[np.uint32]:
    """Return whole numbers with these means: sums are rounded, not each."""
    whole: NDArray[np.uint32] = np.diff(np.floor(np.cumsum(means)), prepend=0).astype(np.uint32)
    return whole
