"""What a workload executes, as a trace file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import numpy as np

from vmfailover.engine.streams import seed_sequence
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.scenario import Scenario
from vmfailover.scenario.document import Document
from vmfailover.scenario.loading import load
from vmfailover.scenario.reading import document_of
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.workload_file import with_workload
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk
from vmfailover.traces.format import Columns, write_trace
from vmfailover.traces.metadata import MAXIMUM_MEMORY_BYTES, TraceMetadata
from vmfailover.version import version

__all__ = ["generate_trace"]

#: Records that are written at once, at least.
_PIECE_RECORDS = 1 << 16
#: What a scenario has beside its workload, where only that is told: room for each of them.
_AROUND: dict[str, Any] = {
    "name": "workload",
    "duration": "1 s",
    "replication": {"protocol": "cacheline-flags", "checkpoint_interval": "5 ms"},
    "link": {"bandwidth": "10 Gbit/s", "latency": "10 us"},
}


def generate_trace(
    path: Path,
    out: Path,
    accesses: int,
    *,
    vcpus: int | None = None,
    seed: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> TraceMetadata:
    """Write the first accesses of a workload as a trace at `out`, which appears once it is whole.

    `path` is a file with a workload, or a scenario's, which then executes just these. There are so many accesses of all
    vCPUs together, or fewer where the workload ends; a vCPU's idle time is not in the trace. `vcpus` and `seed` are
    those of the scenario, or 1, if not given; `progress` is told how many accesses of how many are there.
    Raises InputError for a workload that cannot be, OSError where the file cannot be written.
    """
    scenario = _scenario(path, vcpus, seed)
    number = scenario.vm.vcpus
    random = seed_sequence(scenario.seed, "workload")
    workload = open_workload(scenario.workload, number, scenario.hosts.primary.line, random)
    top = _Top()
    chunks = _first(_in_turn(workload, number), accesses)
    pieces = _pieces(chunks, top, lambda done: progress(done, accesses))
    metadata = TraceMetadata(
        memory_bytes=MAXIMUM_MEMORY_BYTES,
        vcpus=number,
        source=f"{path.name}, seed {scenario.seed}, executed by vmfailover {version()}",
        address_space="physical",
    )
    return write_trace(out, pieces, metadata, lambda counted: replace(counted, memory_bytes=top.memory_bytes))


class _Top:
    """The highest block so far."""

    def __init__(self) -> None:
        self.block = 0

    @property
    def memory_bytes(self) -> int:
        return -(-(self.block + 1) * BLOCK_BYTES // PAGE_BYTES) * PAGE_BYTES


def _scenario(path: Path, vcpus: int | None, seed: int | None) -> Scenario:
    document = document_of(path)
    if isinstance(document.data, dict) and "workload" in document.data:
        given = {"vm.vcpus": vcpus, "seed": seed}
        return load(path, [f"{key}={value}" for key, value in given.items() if value is not None])
    host = {"preset": "power8", "cores": vcpus or 1}
    data = {
        **_AROUND,
        "seed": 1 if seed is None else seed,
        "hosts": {"primary": host, "secondary": host},
        "vm": {"memory": "256 GiB", "vcpus": vcpus or 1},
        "workload": {"from": path.name},
    }
    name = str(path)
    return Scenario.from_document(with_workload(Document(name, data, {(): name}, {}), path.parent), path)


def _in_turn(workload: Workload, vcpus: int) -> Iterator[tuple[int, AccessChunk]]:
    """Yield each vCPU's chunks with its number: what begins first, and then whose vCPU has made fewest accesses."""
    streams = [workload.chunks(vcpu) for vcpu in range(vcpus)]
    waiting: list[tuple[int, int, int, AccessChunk]] = []

    def await_next(vcpu: int, made: int) -> None:
        if (chunk := next(streams[vcpu], None)) is not None:
            heappush(waiting, (chunk.not_before_ns, made, vcpu, chunk))

    for vcpu in range(vcpus):
        await_next(vcpu, 0)
    while waiting:
        _, made, vcpu, chunk = heappop(waiting)
        yield vcpu, chunk
        await_next(vcpu, made + int(chunk.count.sum()))


def _first(chunks: Iterator[tuple[int, AccessChunk]], accesses: int) -> Iterator[tuple[int, AccessChunk]]:
    """Yield the first accesses; of the record with the last of them, as many as it takes."""
    for vcpu, chunk in chunks:
        sums = np.cumsum(chunk.count, dtype=np.int64)
        if sums[-1] < accesses:
            yield vcpu, chunk
            accesses -= int(sums[-1])
            continue
        last = int(np.searchsorted(sums, accesses))
        count = chunk.count[: last + 1].copy()
        count[-1] -= sums[last] - accesses
        yield vcpu, chunk.part(0, last + 1)._replace(count=count)
        return


def _pieces(chunks: Iterator[tuple[int, AccessChunk]], top: _Top, progress: Callable[[int], None]) -> Iterator[Columns]:
    """Yield chunks as rows of the file, many at once, keeping account of the highest block."""
    taken: list[tuple[int, AccessChunk]] = []
    records = written = 0
    for vcpu, chunk in chunks:
        taken.append((vcpu, chunk))
        records += chunk.records
        written += int(chunk.count.sum())
        top.block = max(top.block, int(chunk.block.max()))
        if records >= _PIECE_RECORDS:
            yield _rows(taken)
            progress(written)
            taken, records = [], 0
    if taken:
        yield _rows(taken)
        progress(written)


def _rows(taken: list[tuple[int, AccessChunk]]) -> Columns:
    vcpu = np.concatenate([np.full(chunk.records, vcpu, np.uint8) for vcpu, chunk in taken])
    names = ("block", "write", "count", "instructions")
    return Columns(vcpu, *(np.concatenate([getattr(chunk, name) for _, chunk in taken]) for name in names))
