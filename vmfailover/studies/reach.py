"""Which parts of its memory a guest accesses in a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.guest.guest import RECEIVE_BUFFERS
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.mix import MixWorkload
from vmfailover.guest.workloads.synthetic import SyntheticPhase
from vmfailover.guest.workloads.trace import TraceWorkload, copy_bytes
from vmfailover.guest.workloads.trace.accesses import opened_trace
from vmfailover.scenario import Scenario
from vmfailover.scenario.network import Clients
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.studies.pace import Pace
from vmfailover.traces.accesses import BLOCK_BYTES

_PAGE_BLOCKS = PAGE_BYTES // BLOCK_BYTES

Pages = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reach:
    """The pages that a guest accesses, and those of them that it stores to, int64[n] each, in order."""

    accessed: Pages
    stored: Pages

    def bytes_in(self, grain: int, *, stored: bool) -> int:
        """Return the bytes of all aligned parts of memory, `grain` bytes each, with a page in them that counts."""
        pages = self.stored if stored else self.accessed
        return int(np.count_nonzero(np.diff(pages * PAGE_BYTES // grain, prepend=-1))) * grain


def reach_of(scenario: Scenario, pace: Pace) -> Reach:
    """Return what a scenario's guest reaches: all of its working set, unless the run is too short for it.

    Of a trace that is not kept in memory, that is all of its memory.
    """
    memory = np.zeros(-(-scenario.vm.memory // PAGE_BYTES), np.bool_)
    accessed, stored = memory, memory.copy()
    for pages, written in _pieces(scenario, pace):
        accessed[pages] = True
        stored[written] = True
    return Reach(np.flatnonzero(accessed), np.flatnonzero(stored))


def _pieces(scenario: Scenario, pace: Pace) -> Iterator[tuple[Pages | slice, Pages | slice]]:
    """Yield pages that are accessed, and pages that are stored to."""
    workload = scenario.workload
    if scenario.duration <= pace.lasts_ns:
        within = pace.done_ns <= scenario.duration
        yield pace.block[within] // _PAGE_BLOCKS, pace.block[within & pace.write] // _PAGE_BLOCKS
    elif isinstance(workload, TraceWorkload):
        yield from _of_trace(workload, scenario.vm.vcpus)
    elif isinstance(workload, SyntheticPhase | MixWorkload):
        for phase in workload.phases if isinstance(workload, MixWorkload) else (workload,):
            region = _region(phase)
            yield region, region if phase.store_fraction else slice(0)
    elif isinstance(workload, HotSetsWorkload):
        for each, offset in zip(workload.sets, workload.offsets, strict=True):
            pages = slice(offset // PAGE_BYTES, (offset + each.span) // PAGE_BYTES, each.stride // PAGE_BYTES)
            yield pages, pages
    else:
        yield slice(None), slice(None)
    if scenario.clients is not None:
        ring = slice(-_request_pages(scenario.clients), None)
        yield ring, ring


def _request_pages(clients: Clients) -> int:
    """Return the pages at the top of memory that requests are written to."""
    return 1 + RECEIVE_BUFFERS * (clients.request + clients.stores) // PAGE_BYTES if clients.stores else 1


def _region(phase: SyntheticPhase) -> slice:
    return slice(phase.offset // PAGE_BYTES, -(-(phase.offset + phase.working_set) // PAGE_BYTES))


def _of_trace(workload: TraceWorkload, vcpus: int) -> Iterator[tuple[Pages | slice, Pages | slice]]:
    trace = opened_trace(workload.trace)
    pages_a_copy = copy_bytes(trace.metadata) // PAGE_BYTES
    copies = -(-vcpus // trace.metadata.vcpus) if workload.spread else 1
    if trace.records > trace.KEEP_RECORDS:
        everything = slice(copies * pages_a_copy)
        yield everything, everything
        return
    for vcpu in range(trace.metadata.vcpus):
        for chunk in trace.chunks(vcpu):
            for copy in range(copies):
                pages = chunk.block.astype(np.int64) // _PAGE_BLOCKS + copy * pages_a_copy
                yield pages, pages[chunk.write == 1]
