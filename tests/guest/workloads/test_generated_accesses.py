"""Synthetic workloads: the same accesses from whatever place, where and as often as the scenario says."""

from itertools import accumulate, islice
from math import floor, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vmfailover.errors import InputError
from vmfailover.guest.workloads.mix import MixWorkload
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.synthetic.accesses import SyntheticAccesses
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.scenario.workload import Workload as WorkloadSpec
from vmfailover.traces.accesses import AccessChunk

KINDS = ["zipf", "sequential", "uniform", "pointer-chase", "idle"]
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)


def workload(kind: str, vcpus: int = 1, seed: int = 1, line_bytes: int | None = None, **keys: Any) -> Workload:
    spec = SyntheticWorkload.model_validate({"kind": kind, **keys})
    return open_workload(spec, vcpus, line_bytes, seed)


def mix(vcpus: int, *phases: dict[str, Any]) -> Workload:
    return open_workload(MixWorkload.model_validate({"kind": "mix", "phases": list(phases)}), vcpus, None, 1)


def records(source: Workload, count: int, vcpu: int = 0, first: int = 0) -> NDArray[np.int64]:
    """int64[count, 5]: number, block, write, count and instructions of the records from `first` on."""
    parts: list[NDArray[np.int64]] = []
    missing = count
    for chunk in source.chunks(vcpu, first):
        parts.append(plain(chunk)[:missing])
        missing -= len(parts[-1])
        if not missing:
            break
    return np.concatenate(parts)


def plain(chunk: AccessChunk) -> NDArray[np.int64]:
    numbers = np.arange(chunk.first, chunk.first + chunk.records)
    return np.stack([numbers, *(values.astype(np.int64) for values in chunk[1:5])], axis=1)


@SETTINGS
@given(st.sampled_from(KINDS), st.integers(1, 4), st.data(), st.integers(0, 100_000))
def test_any_place(kind: str, vcpus: int, data: st.DataObject, first: int) -> None:
    vcpu = data.draw(st.integers(0, vcpus - 1))
    source = workload(kind, vcpus, working_set="1 MiB", instructions_per_access=2.7)
    from_start = records(source, first + 100, vcpu)
    assert np.array_equal(records(source, 100, vcpu, first), from_start[first:])
    assert np.array_equal(from_start[:, 0], np.arange(first + 100))


@SETTINGS
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 50) | st.integers(1, 50_000)), min_size=1, max_size=4),
    st.integers(0, 1),
    st.integers(0, 200_000),
)
def test_any_place_of_a_mix(phases: list[tuple[str, int]], vcpu: int, first: int) -> None:
    kinds = [{"kind": kind, "accesses": accesses, "working_set": "1 MiB"} for kind, accesses in phases]
    source = mix(2, *kinds)
    from_start = records(source, first + 100, vcpu)
    assert np.array_equal(records(source, 100, vcpu, first), from_start[first:])
    assert np.array_equal(from_start[:, 0], np.arange(first + 100))


@SETTINGS
@given(
    st.sampled_from(KINDS),
    st.integers(0, 1 << 34),
    st.one_of(st.integers(1, 5000), st.integers(1, 1 << 34)),
    st.integers(0, 2**40),
)
def test_addresses_stay_in_the_working_set(kind: str, offset: int, size: int, first: int) -> None:
    source = workload(kind, offset=f"{offset} B", working_set=f"{size} B")
    block = records(source, 500, first=first)[:, 1]
    assert block.min() >= offset // 64
    assert block.max() <= (offset + size - 1) // 64
    if size >= 128:
        assert block.min() * 64 >= offset
        assert (block.max() + 1) * 64 <= offset + size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_share_of_stores(kind: str, fraction: float) -> None:
    """The number of stores is binomial: within 5 standard deviations, fixed by the seed."""
    count = 200_000
    stores = int(records(workload(kind, store_fraction=fraction), count)[:, 2].sum())
    assert abs(stores - count * fraction) <= 5 * sqrt(count * fraction * (1 - fraction))


@SETTINGS
@given(st.floats(0.01, 1e6), st.integers(0, 2**30))
def test_instructions_add_up_to_the_mean(mean: float, first: int) -> None:
    instructions = records(workload("uniform", instructions_per_access=mean), 1000)[:, 4]
    sums = list(accumulate(instructions.tolist(), initial=0))
    assert all(abs(total - index * mean) <= 1 + 1e-9 * index * mean for index, total in enumerate(sums))
    later = records(workload("uniform", instructions_per_access=mean), 1000, first=first)[:, 4]
    assert set(later.tolist()) <= {floor(mean), floor(mean) + 1}


@pytest.mark.parametrize("kind", KINDS)
def test_records_are_single_accesses_in_fresh_arrays(kind: str) -> None:
    one, two = islice(workload(kind).chunks(0), 2)
    assert (one.count == 1).all()
    assert one.parallelism == (1.0 if kind == "pointer-chase" else 0.0)
    mine: list[NDArray[Any]] = [one.block, one.write, one.instructions]
    theirs: list[NDArray[Any]] = [two.block, two.write, two.instructions]
    for values, other in zip(mine, theirs, strict=True):
        assert values.flags.c_contiguous
        assert values.flags.writeable
        assert not np.shares_memory(values, other)
    assert [values.dtype for values in one[1:5]] == [np.uint32, np.uint8, np.uint32, np.uint32]


@pytest.mark.parametrize("kind", ["zipf", "uniform", "idle"])
def test_vcpus_draw_from_the_same_blocks_differently(kind: str) -> None:
    source = workload(kind, vcpus=2, working_set="64 KiB", skew=0.5) if kind == "zipf" else None
    source = source or workload(kind, vcpus=2, working_set="64 KiB")
    mine, theirs = (records(source, 50_000, vcpu)[:, 1:3] for vcpu in (0, 1))
    assert set(mine[:, 0]) == set(theirs[:, 0]) == set(range(1024))
    assert np.mean(mine[:, 0] == theirs[:, 0]) < 0.1
    assert 0.4 < np.mean(mine[:, 1] == theirs[:, 1]) < 0.7


def test_more_vcpus_leave_the_others_as_they_were() -> None:
    alone, together = workload("zipf", vcpus=1), workload("zipf", vcpus=4)
    assert np.array_equal(records(alone, 1000), records(together, 1000))


PHASES = [{"kind": "uniform", "accesses": 5}, {"kind": "zipf", "accesses": 3}]


@pytest.mark.parametrize(("kind", "keys"), [("uniform", {}), ("mix", {"phases": PHASES})])
def test_paced_accesses_are_the_same_each_at_its_instant(kind: str, keys: dict[str, Any]) -> None:
    spec = WorkloadSpec.kinds[kind]
    unpaced, paced = (
        open_workload(spec.model_validate({"kind": kind, **keys, **rate}), 2) for rate in ({}, {"rate": "30000 /s"})
    )
    assert np.array_equal(records(paced, 200, 1, 32_700), records(unpaced, 200, 1, 32_700))
    due = [chunk.due_ns for chunk in islice(paced.chunks(1, 2), 4)]
    assert due == [66_667, 100_000, 133_333, 166_667]


def due_ns(vcpu: int, first: int, records: int, **keys: Any) -> list[int]:
    """Return when records of a VM are due, 10,000 a second at random."""
    source = workload("uniform", 2, **{"rate": "10000 /s", "arrivals": "random", **keys})
    return [chunk.due_ns for chunk in islice(source.chunks(vcpu, first), records)]


def test_random_instants_are_as_many_as_they_should_be_and_in_order() -> None:
    due = due_ns(0, 0, 40_000)
    assert due == sorted(due)
    counts = np.histogram(due, bins=390, range=(0, 3_900_000_000))[0]
    assert counts.mean() == pytest.approx(100, rel=0.03)
    assert counts.var() == pytest.approx(100, rel=0.25)


@pytest.mark.parametrize("arrivals", ["even", "random"])
def test_some_are_due_together_and_as_many_in_all(arrivals: str) -> None:
    due = due_ns(0, 3, 40_002, arrivals=arrivals, together=5)
    _, number = np.unique(due, return_counts=True)
    assert number.tolist() == [2, *[5] * 8000]
    assert due[-1] == pytest.approx(4_000_000_000, rel=0.03)


def test_random_instants_are_the_same_from_whatever_place() -> None:
    assert due_ns(1, 32_760, 20) == due_ns(1, 0, 32_780)[32_760:]
    assert due_ns(0, 0, 20) != due_ns(1, 0, 20)


def test_the_seed_decides() -> None:
    assert np.array_equal(records(workload("zipf", seed=5), 1000), records(workload("zipf", seed=5), 1000))
    assert not np.array_equal(records(workload("zipf", seed=5), 1000), records(workload("zipf", seed=6), 1000))


def test_a_seed_sequence_is_not_changed() -> None:
    seed = np.random.SeedSequence(7)
    spec = SyntheticWorkload.model_validate({"kind": "zipf"})
    assert np.array_equal(records(open_workload(spec, 1, None, seed), 99), records(open_workload(spec, 1, None, 7), 99))
    assert seed.n_children_spawned == 0


def test_known_values() -> None:
    """A change of these is a change of every result with synthetic workloads."""
    block = records(workload("zipf"), 5, first=10**12)[:, 1].tolist()
    assert block == KNOWN_ZIPF
    assert records(workload("uniform"), 5, first=10**12)[:, 1].tolist() == KNOWN_UNIFORM
    assert records(workload("pointer-chase"), 5, first=10**12)[:, 1].tolist() == KNOWN_CHASE


KNOWN_ZIPF = [920825, 908118, 194237, 910409, 1023722]
KNOWN_UNIFORM = [479865, 216061, 567142, 185454, 769120]
KNOWN_CHASE = [78333, 957248, 980788, 951841, 505257]


@SETTINGS
@given(st.integers(1, 5000), st.integers(64, 300_000), st.integers(1, 3))
def test_sequential_order(stride: int, size: int, vcpus: int) -> None:
    source = workload("sequential", vcpus, working_set=f"{size} B", stride=f"{stride} B", offset="1 KiB")
    whole = size // 64 * 64
    lead = (vcpus - 1) * -(-whole // stride) // vcpus
    expected = [(1024 + (index + lead) * stride % whole) // 64 for index in range(1000)]
    assert records(source, 1000, vcpus - 1)[:, 1].tolist() == expected


@SETTINGS
@given(st.integers(1, 2000), st.sampled_from([None, 64, 128, 256]), st.integers(1, 3), st.integers(0, 10**12))
def test_a_pointer_chase_visits_every_node_once_a_round(
    nodes: int, line_bytes: int | None, vcpus: int, first: int
) -> None:
    node = line_bytes or 64
    source = workload("pointer-chase", vcpus, line_bytes=line_bytes, working_set=f"{nodes * node} B", offset="1 KiB")
    walk = records(source, 2 * nodes, vcpus - 1, first)[:, 1]
    assert sorted(walk[:nodes]) == list(range(16, 16 + nodes * node // 64, node // 64))
    assert np.array_equal(walk[:nodes], walk[nodes:])


def test_a_pointer_chase_has_no_pattern_of_strides() -> None:
    walk = records(workload("pointer-chase", working_set="1 MiB"), 16384)[:, 1]
    _, counts = np.unique(np.diff(walk), return_counts=True)
    assert counts.max() < 20


def test_phases_take_turns() -> None:
    phases = [
        {"kind": "sequential", "accesses": 3, "working_set": "1 MiB"},
        {"kind": "sequential", "accesses": 2, "working_set": "1 MiB", "offset": "1 MiB"},
    ]
    block = records(mix(1, *phases), 12)[:, 1].tolist()
    assert block == [0, 1, 2, 16384, 16385, 3, 4, 5, 16386, 16387, 6, 7]


def test_short_phases_share_a_chunk_of_whole_rounds() -> None:
    kinds = [{"kind": "uniform", "accesses": 1}, {"kind": "sequential", "accesses": 3}]
    chunks = list(islice(mix(1, *kinds).chunks(0, 2), 3))
    assert [chunk.first for chunk in chunks] == [2, 4, 4 + SyntheticAccesses.CHUNK_RECORDS]


def test_phases_of_the_same_kind_are_independent() -> None:
    source = mix(1, *[{"kind": "uniform", "accesses": 1000}] * 2)
    block = records(source, 2000)[:, 1]
    assert np.mean(block[:1000] == block[1000:]) < 0.01


def test_a_long_phase_comes_in_chunks() -> None:
    size = SyntheticAccesses.CHUNK_RECORDS
    source = mix(1, {"kind": "uniform", "accesses": size + 1}, {"kind": "pointer-chase", "accesses": 5})
    chunks = list(islice(source.chunks(0), 4))
    assert [(chunk.first, chunk.records, chunk.parallelism) for chunk in chunks] == [
        (0, size, 0.0),
        (size, 1, 0.0),
        (size + 1, 5, 1.0),
        (size + 6, size, 0.0),
    ]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"offset": "255 GiB", "working_set": "2 GiB"}, "beyond 256 GiB"),
        ({"instructions_per_access": 5e9}, "instructions_per_access"),
    ],
)
def test_a_workload_that_cannot_be(keys: dict[str, Any], problem: str) -> None:
    spec = SyntheticWorkload.model_construct(**{**SyntheticWorkload(kind="uniform").model_dump(), **parsed(keys)})
    with pytest.raises(InputError, match=problem):
        open_workload(spec, 1)


def parsed(keys: dict[str, Any]) -> dict[str, Any]:
    sizes = {"255 GiB": 255 << 30, "2 GiB": 2 << 30}
    return {key: sizes.get(value, value) if isinstance(value, str) else value for key, value in keys.items()}
