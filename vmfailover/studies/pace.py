"""What a guest does to its memory in a time, told from the beginning of its accesses without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.engine.streams import seed_sequence
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.scenario import Scenario
from vmfailover.scenario.hosts import HostSpec
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

#: Records of the guest's beginning that are looked at, of all vCPUs together; more than that is extrapolated.
LOOKED_AT = 1 << 18
#: Chunks that are looked at of each vCPU, at most: one that idles much has few records in each.
MOST_CHUNKS = 1 << 12


@dataclass(frozen=True, slots=True)
class Pace:
    """The first records of a guest's vCPUs, one after the other, and when each is done."""

    #: int64[n]: 64-byte blocks.
    block: npt.NDArray[np.int64]
    #: bool[n].
    write: npt.NDArray[np.bool_]
    #: float64[n]: guest time of its vCPU after each record, nanoseconds.
    done_ns: npt.NDArray[np.float64]
    #: Guest time that every vCPU's records last, nanoseconds.
    lasts_ns: float

    def stored_units(self, time_ns: float, unit_bytes: int, first_store_ns: float = 0.0) -> float:
        """Return about how many units of memory are stored to in a time, if the first store to each takes longer.

        What lies beyond the records looked at is taken to go on as they do.
        """
        stores = np.flatnonzero(self.write)
        in_order = stores[np.argsort(self.done_ns[stores], kind="stable")]
        _, first = np.unique(self.block[in_order] // (unit_bytes // BLOCK_BYTES), return_index=True)
        instants_ns = self.done_ns[in_order[np.sort(first)]] + first_store_ns * np.arange(1, first.size + 1)
        within = int(np.searchsorted(instants_ns, time_ns))
        lasts_ns = self.lasts_ns + first_store_ns * first.size
        return within * max(1.0, time_ns / lasts_ns)


def pace_of(scenario: Scenario, records: int = LOOKED_AT) -> Pace:
    """Look at the first `records` records of a scenario's guest.

    An instruction takes the host's cycles, and a miss the latency of what answers it, divided by the memory-level
    parallelism; which accesses miss follows from how long ago their line was accessed (Denning and Schwartz,
    "Properties of the working-set model", CACM 15(3), 1972, for the mean number of lines in a window).
    """
    vcpus, host = scenario.vm.vcpus, scenario.hosts.primary
    workload = open_workload(scenario.workload, vcpus, host.line, seed_sequence(scenario.seed, "workload"))
    beginnings = [_beginning(workload.chunks(vcpu), records // vcpus, scenario.duration) for vcpu in range(vcpus)]
    parts = [(_joined(chunks), _done_ns(chunks, host)) for chunks in beginnings if chunks]
    return Pace(
        block=np.concatenate([chunk.block.astype(np.int64) for chunk, _ in parts]),
        write=np.concatenate([chunk.write == 1 for chunk, _ in parts]),
        done_ns=np.concatenate([done_ns for _, done_ns in parts]),
        lasts_ns=max(1.0, min(float(done_ns[-1]) for _, done_ns in parts)),
    )


def _beginning(chunks: Iterator[AccessChunk], records: int, duration_ns: int) -> list[AccessChunk]:
    """Return the first records of a stream, and at least one if it has any; none after the first beyond a duration."""
    taken: list[AccessChunk] = []
    missing = records
    while missing > 0 and len(taken) < MOST_CHUNKS and (chunk := next(chunks, None)) is not None:
        taken.append(chunk.part(0, min(missing, chunk.records)))
        missing -= taken[-1].records
        if chunk.not_before_ns >= duration_ns:
            break
    return taken


def _joined(chunks: Sequence[AccessChunk]) -> AccessChunk:
    """Return chunks as one, whose vCPU does not idle."""
    return AccessChunk(
        first=0,
        block=np.concatenate([chunk.block for chunk in chunks]),
        write=np.concatenate([chunk.write for chunk in chunks]),
        count=np.concatenate([chunk.count for chunk in chunks]),
        instructions=np.concatenate([chunk.instructions for chunk in chunks]),
        parallelism=chunks[0].parallelism,
    )


def _done_ns(chunks: Sequence[AccessChunk], host: HostSpec) -> npt.NDArray[np.float64]:
    """Return the guest time after each record, float64[n], nanoseconds."""
    done_ns = _takes_ns(_joined(chunks), host)
    start, now_ns = 0, 0.0
    for chunk in chunks:
        mine = done_ns[start : start + chunk.records]
        np.cumsum(mine, out=mine)
        mine += max(now_ns + chunk.idle_ns, chunk.not_before_ns)
        start, now_ns = start + chunk.records, float(mine[-1])
    return done_ns


def _takes_ns(chunk: AccessChunk, host: HostSpec) -> npt.NDArray[np.float64]:
    """Return how long each record takes, float64[n], nanoseconds."""
    cycle_ns = 1e9 / host.clock
    overlap = chunk.parallelism or host.memory.parallelism
    age = _ages(chunk.block // (host.line // BLOCK_BYTES))
    l1, l2, l3 = (level.size // host.line if level else 0 for level in (host.l1, host.l2, host.l3))
    in_l1, in_l2, in_l3 = _windows(age, (l1, l2, l2 + l3))
    stall_ns = np.where(age > in_l1, host.l2.latency * cycle_ns, 0.0)
    stall_ns[age > in_l2] = host.l3.latency * cycle_ns if host.l3 else host.memory.latency
    stall_ns[age > in_l3] = host.memory.latency
    taken_ns: npt.NDArray[np.float64] = chunk.instructions * (host.base_cpi * cycle_ns) + stall_ns / overlap
    return taken_ns


def _ages(line: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return how many records ago each one's line was accessed before, int64[n]; one more than all if never."""
    order = np.argsort(line, kind="stable")
    ages = np.full(line.size, line.size + 1, np.int64)
    again = np.flatnonzero(np.diff(line[order].astype(np.int64)) == 0)
    ages[order[again + 1]] = order[again + 1] - order[again]
    return ages


def _windows(ages: npt.NDArray[np.int64], lines: Sequence[int]) -> list[int]:
    """Return in how many records about so many distinct lines are accessed: the age that a line in a cache can reach.

    The mean number of lines in a window of t records is the mean of min(age, t) over all records.
    """
    ordered = np.sort(ages)
    sums = np.cumsum(ordered) + ordered * np.arange(ages.size - 1, -1, -1)
    places = np.searchsorted(sums, np.array(lines) * ages.size)
    windows: list[int] = ordered[np.minimum(places, ages.size - 1)].tolist()
    return windows
