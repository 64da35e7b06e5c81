"""Sampled hot sets: the units of the very visits that are executed."""

from collections import Counter
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.draws import HotSetDraws
from vmfailover.guest.workloads.hot_sets.units import SampledHotSets
from vmfailover.hardware.sampled.visits import WITHIN_TICK_BITS
from vmfailover.scenario.workload import Workload

VCPUS = 2
TICKS = 300
SETS: list[dict[str, Any]] = [
    {"kind": "random", "memory": "1 MiB", "visits": "40000 /s", "burst": "192 B"},
    {"kind": "stream", "memory": "1 MiB", "visits": "30000 /s", "burst": "4 KiB"},
    {"kind": "periodic", "memory": "64 KiB", "visits": "20000 /s", "period": "1 ms", "vcpus": [1]},
    {
        "kind": "random",
        "memory": "256 KiB",
        "visits": "20000 /s",
        "burst": "128 B",
        "within": "256 B",
        "stride": "12 KiB",
    },
    {"kind": "stream", "memory": "64 KiB", "visits": "20000 /s", "within": "64 B", "stride": "128 KiB"},
]


def spec(sets: list[dict[str, Any]], **keys: Any) -> HotSetsWorkload:
    found = Workload.model_validate({"kind": "hot-sets", "sets": sets, **keys})
    assert isinstance(found, HotSetsWorkload)
    return found


def sampled(workload: HotSetsWorkload, unit: int) -> SampledHotSets:
    return SampledHotSets(workload, VCPUS, 5, unit, 128)


def units_of_tick(workload: HotSetsWorkload, draws: HotSetDraws, vcpu: int, tick: int, unit: int) -> Counter[int]:
    """Return how often each unit is stored to, from the visits that are executed."""
    found: Counter[int] = Counter()
    for which, page, block in zip(*draws.visits(vcpu, tick), strict=True):
        first = int(page) * 4096 + int(block) * 64
        last = first + workload.sets[which].burst - 1
        found.update(range(first // unit, last // unit + 1))
    return found


@pytest.mark.parametrize("fluctuation", [None, {"variation": "40 %", "correlation": "5 ms"}])
@pytest.mark.parametrize("unit", [128, 4096, 65536])
def test_the_visits_are_those_that_are_executed(unit: int, fluctuation: dict[str, str] | None) -> None:
    workload = spec(SETS, fluctuation=fluctuation)
    draws = HotSetDraws(workload, VCPUS, 5)
    for vcpu in range(VCPUS):
        visits = next(sampled(workload, unit).visits(vcpu))
        ticks = visits.position >> WITHIN_TICK_BITS
        assert np.all(np.diff(visits.position) > 0)
        for tick in range(TICKS):
            expected = units_of_tick(workload, draws, vcpu, tick, unit)
            assert Counter(visits.unit[ticks == tick].tolist()) == expected


def test_any_position_can_be_begun_at() -> None:
    workload = sampled(spec(SETS), 4096)
    whole = next(workload.visits(0))
    for at in (0, 1, 7, 100):
        position = int(whole.position[at])
        assert next(sampled(spec(SETS), 4096).visits(0, position)).position.tolist() == whole.position[at:].tolist()


def test_blocks_of_ticks_follow_each_other() -> None:
    blocks = list(islice(sampled(spec(SETS), 4096).visits(1), 3))
    assert all(before.end <= after.position[0] for before, after in pairwise(blocks))
    fresh = next(sampled(spec(SETS), 4096).visits(1, blocks[1].end))
    assert fresh.unit.tolist() == blocks[2].unit.tolist()


@pytest.mark.parametrize(
    "keys", [{}, {"within": "256 B"}, {"stride": "12 KiB"}, {"within": "64 B", "stride": "64 KiB"}]
)
@pytest.mark.parametrize("unit", [128, 4096, 32768])
def test_a_tick_that_reaches_all_of_a_set_says_so_by_shares(unit: int, keys: dict[str, str]) -> None:
    workload = spec([{"kind": "random", "memory": "12 KiB", "visits": "100000000 /s", **keys}])
    draws, visits = HotSetDraws(workload, VCPUS, 5), next(sampled(workload, unit).visits(0))
    first = visits.position >> WITHIN_TICK_BITS == 0
    assert sorted(visits.unit[first]) == sorted(units_of_tick(workload, draws, 0, 0, unit))
    assert visits.visits[first].sum() == draws.counts(0, 0).sum()
