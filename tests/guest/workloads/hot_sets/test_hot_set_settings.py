"""What a scenario can say of hot sets."""

from typing import Any

import pytest
from hot_set_programs import hot_sets, periodic_set, random_set, stream_set
from scenarios_for_tests import BASE

from vmfailover.scenario.errors import ScenarioError
from vmfailover.scenario.scenario import Scenario


def scenario(*sets: dict[str, Any], **keys: Any) -> Scenario:
    base: Any = Scenario.model_validate(BASE)
    result: Scenario = base.with_(workload={"kind": "hot-sets", "sets": list(sets), **keys})
    return result


def test_defaults() -> None:
    workload = hot_sets(random_set())
    assert (workload.tick, workload.instructions_per_access, workload.fluctuation) == (100_000, 4.0, None)
    (only,) = workload.sets
    assert (only.burst, only.stores, only.loads, only.offset, only.vcpus) == (64, 1.0, 0.0, None, None)


def test_what_is_written_is_read_again() -> None:
    fluctuation = {"variation": "140 %", "correlation": "10 ms"}
    workload = hot_sets(random_set(1.5, offset="4 KiB"), periodic_set(), fluctuation=fluctuation)
    assert hot_sets(**{"sets": (), **workload.model_dump(mode="json", exclude_unset=True)}) == workload


@pytest.mark.parametrize(
    ("sets", "keys", "words"),
    [
        ([], {}, "workload.sets: "),
        ([random_set(memory="5000 B")], {}, "workload.sets.0.memory: 5 kB is not a whole number of pages of 4 KiB"),
        ([random_set(memory="0 B")], {}, "workload.sets.0.memory: must be above zero"),
        ([random_set(0)], {}, "workload.sets.0.visits: must be above zero"),
        ([random_set(burst="96 B")], {}, "workload.sets.0.burst: 96 B is not a multiple of 64 B from 64 B to 4 KiB"),
        ([random_set(burst="8 KiB")], {}, "workload.sets.0.burst: 8 KiB is not a multiple"),
        ([random_set(within="192 B")], {}, "workload.sets.0.within: 192 B is not a power of two from 64 B to 4 KiB"),
        ([random_set(burst="256 B", within="128 B")], {}, "workload.sets.0.burst: 256 B does not fit within 128 B"),
        ([random_set(stride="5 KiB")], {}, "workload.sets.0.stride: 5 KiB is not a whole number of pages"),
        ([random_set(stride="0 B")], {}, "workload.sets.0.stride: must be above zero"),
        ([random_set(stride="12 KiB")], {}, "workload.sets.0.memory: 3064 KiB from offset 0 B goes beyond the memory"),
        ([random_set(stores=0.5)], {}, "workload.sets.0.stores: "),
        ([random_set(loads=-1)], {}, "workload.sets.0.loads: "),
        ([random_set(offset="1 B")], {}, "workload.sets.0.offset: 1 B is not a whole number of pages"),
        ([random_set(vcpus=[])], {}, "workload.sets.0.vcpus: "),
        ([random_set(vcpus=[0, 0])], {}, "workload.sets.0.vcpus: names a vCPU twice"),
        ([random_set(vcpus=[1])], {}, "workload.sets.0.vcpus: vCPU 1 is none of the 1 of the VM"),
        ([random_set(period="1 ms")], {}, "workload.sets.0.period: belongs to kind 'periodic'"),
        (
            [periodic_set(period="50 us")],
            {},
            "workload.sets.0.period: 50 us is not a multiple of workload.tick, 100 us",
        ),
        ([random_set() | {"kind": "periodic"}], {}, "workload.sets.0.period: is missing"),
        ([random_set() | {"kind": "zipf"}], {}, "workload.sets.0.kind: "),
        ([stream_set(), random_set(memory="2 MiB")], {}, "workload.sets.1.memory: 2 MiB from offset 1 MiB goes beyond"),
        ([random_set(1e9, burst="4 KiB")], {}, "workload.tick: has 6.4e+06 accesses in the mean, and at most 4194304"),
        ([random_set()], {"tick": "999 ns"}, "workload.tick: 999 ns is shorter than 1 us; make it longer"),
        ([random_set()], {"fluctuation": {"variation": "40 %"}}, "workload.fluctuation.correlation: "),
        ([random_set()], {"fluctuation": {"variation": "301 %", "correlation": "1 ms"}}, "beyond the limit of 300 %"),
        ([random_set()], {"instructions_per_access": 0}, "workload.instructions_per_access: "),
        ([random_set(stores=10_001)], {}, "workload.sets.0.stores: "),
    ],
)
def test_refuses(sets: list[dict[str, Any]], keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(*sets, **keys)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
