"""How much memory a guest modifies in an interval, in units of each size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.engine.streams import seed_sequence
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.scenario import Scenario
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

#: Bytes of the units in which modified memory is counted.
GRANULARITIES = (64, 128, 512, 4096, 65536, 2 * 2**20)
#: Accesses of each vCPU that are looked at, at most, and intervals of a length.
MOST_ACCESSES = 30_000_000
MOST_INTERVALS = 5_000


@compiled_in_place
def _store(
    block: npt.NDArray[np.uint32],
    write: npt.NDArray[np.uint8],
    count: npt.NDArray[np.uint32],
    first: int,
    accesses: int,
    until: int,
    seen: npt.NDArray[np.uint32],
    begins: npt.NDArray[np.int64],
    shifts: npt.NDArray[np.int64],
    interval: int,
    units: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Count the units that some records store to for the first time in an interval, `units` int64[granularities].

    Begins with record `first` after so many accesses and ends with the record that reaches `until`; returns both then.
    `seen` has, from `begins` on for each granularity, the last interval in which each unit was stored to, from 1 on.
    """
    record = first
    while record < block.size and accesses < until:
        accesses += count[record]
        if write[record]:
            for size in range(shifts.size):
                unit = begins[size] + (np.int64(block[record]) >> shifts[size])
                if seen[unit] == interval:
                    break
                seen[unit] = interval
                units[size] += 1
        record += 1
    return record, accesses


class _Stores:
    """The stores of one vCPU, taken interval by interval."""

    def __init__(self, workload: Workload, vcpu: int) -> None:
        self._chunks = workload.chunks(vcpu)
        self._chunk: AccessChunk | None = next(self._chunks, None)
        self._record = 0
        self._accesses = 0

    def take(self, until: int, seen: _Seen, interval: int, units: npt.NDArray[np.int64]) -> None:
        """Count what is modified up to so many accesses; a stream that has ended modifies nothing."""
        while self._chunk is not None and self._accesses < until:
            chunk = self._chunk
            self._record, self._accesses = _store(
                chunk.block, chunk.write, chunk.count, self._record, self._accesses, until,
                seen.last, seen.begins, seen.shifts, interval, units,
            )  # fmt: skip
            if self._record == chunk.records:
                self._chunk, self._record = next(self._chunks, None), 0


@dataclass(frozen=True)
class _Seen:
    """When each unit of each granularity was stored to last."""

    last: npt.NDArray[np.uint32]
    begins: npt.NDArray[np.int64]
    shifts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, memory_bytes: int) -> _Seen:
        numbers = [-(-memory_bytes // size) for size in GRANULARITIES]
        begins = np.cumsum([0, *numbers])
        shifts = np.array([(size // BLOCK_BYTES).bit_length() - 1 for size in GRANULARITIES])
        return cls(np.zeros(begins[-1], np.uint32), begins[:-1], shifts)


def dirty_set(scenario: Scenario, intervals: Sequence[int], accesses: int) -> npt.NDArray[np.float64]:
    """Return the mean bytes modified in intervals of so many accesses of each vCPU, float64[intervals, granularities].

    A unit counts whole however little of it is stored to. The first `accesses` of each vCPU are looked at, as far as
    whole intervals go, `MOST_ACCESSES` and `MOST_INTERVALS` at most. Raises TraceError if a recorded workload cannot be
    read.
    """
    most = min(accesses, MOST_ACCESSES)
    numbers = [min(MOST_INTERVALS, max(1, most // interval)) for interval in intervals]
    return np.array([_mean_bytes(scenario, *each) for each in zip(intervals, numbers, strict=True)])


def _mean_bytes(scenario: Scenario, interval: int, number: int) -> npt.NDArray[np.float64]:
    """Return the mean over so many intervals, float64[granularities]."""
    workload = open_workload(
        scenario.workload, scenario.vm.vcpus, scenario.hosts.primary.line, seed_sequence(scenario.seed, "workload")
    )
    streams = [_Stores(workload, vcpu) for vcpu in range(scenario.vm.vcpus)]
    seen, units = _Seen.of(scenario.vm.memory), np.zeros(len(GRANULARITIES), np.int64)
    for n in range(1, number + 1):
        for stream in streams:
            stream.take(n * interval, seen, n, units)
    mean: npt.NDArray[np.float64] = units * np.array(GRANULARITIES) / number
    return mean
