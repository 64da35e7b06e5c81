"""The invariants, each judged where it holds and where it does not."""

from collections import Counter
from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import small

from vmfailover.audit.invariants import (
    Commit,
    Comparison,
    ProgramReplayer,
    active_verdict,
    image_verdict,
    output_verdict,
    overlap_ns,
)
from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.guest import GuestState, ReceiveRing
from vmfailover.guest.outlet import Release
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import DIRTY, VERSION_SHIFT

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=150)
LINES = 64
LINE_BYTES = 128
START = GuestState((0, 0), 0)
#: Devices write the lines 48 to 63, one after the other and again.
RING = ReceiveRing(LINES, LINE_BYTES, LINE_BYTES)


# One active VM.


def spans_of(bounds: list[int]) -> list[tuple[int, int]]:
    ordered = sorted(set(bounds))
    return list(zip(ordered[::2], ordered[1::2], strict=False))


SPANS = st.lists(st.integers(0, 60), max_size=12).map(spans_of)


@EXAMPLES
@given(SPANS, SPANS)
def test_overlap_is_every_instant_in_both(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    instants = ({instant for begin, end in spans for instant in range(begin, end)} for spans in (first, second))
    assert overlap_ns(first, second) == len(set.intersection(*instants)) == overlap_ns(second, first)


@pytest.mark.parametrize("waived", [True, False])
@pytest.mark.parametrize("overlap", [0, 1])
def test_two_active_vms_are_a_defect_unless_the_promise_is_waived(overlap: int, waived: bool) -> None:
    verdict = active_verdict(overlap, waived=waived)
    assert (verdict.name, verdict.holds, verdict.waived) == ("one_active_vm", overlap == 0, waived)
    assert verdict.broken == (overlap > 0 and not waived)
    assert ("waived by fencing: none" in verdict.detail) == waived


@pytest.mark.parametrize("waived", [True, False])
def test_two_active_vms_are_told_with_their_time(waived: bool) -> None:
    assert "both hosts ran the VM for 1.5 ms" in active_verdict(1_500_000, waived=waived).detail


# Output commit.


COMMITS = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=5).map(
    lambda gaps: [
        Commit(epoch, sum(time for time, _ in gaps[: epoch + 1]), sum(guest for _, guest in gaps[: epoch + 1]))
        for epoch in range(len(gaps))
    ]
)
RELEASES = st.lists(st.builds(Release, guest_ns=st.integers(0, 100), time_ns=st.integers(0, 100)), max_size=5)


@EXAMPLES
@given(RELEASES, COMMITS, st.none() | st.integers(0, 100))
def test_outputs_are_of_a_state_that_was_committed_when_they_left(
    releases: list[Release], commits: list[Commit], down: int | None
) -> None:
    holds = all(
        any(commit.time_ns <= release.time_ns and release.guest_ns <= commit.guest_ns for commit in commits)
        and (down is None or release.time_ns <= down)
        for release in releases
    )
    verdict = output_verdict(releases, commits, down)
    assert (verdict.name, verdict.holds) == ("output_commit", holds)
    assert bool(verdict.detail) != holds


# The image.


def test_an_image_without_mismatch_holds() -> None:
    assert image_verdict("image", 3, Comparison(0, [])).holds


@pytest.mark.parametrize(("mismatched", "end"), [(2, "in them: 4, 5"), (9, "in them: 4, 5, …")])
def test_a_wrong_image_names_lines_and_epoch(mismatched: int, end: str) -> None:
    verdict = image_verdict("program", 3, Comparison(mismatched, [4, 5]))
    assert (verdict.name, verdict.holds) == ("program", False)
    assert verdict.detail.startswith(f"{mismatched} lines")
    assert "epoch 3" in verdict.detail
    assert verdict.detail.endswith(end)


# The auditor.


def workload() -> Workload:
    spec = {"kind": "uniform", "working_set": "8 KiB", "store_fraction": "50 %"}
    return open_workload(SyntheticWorkload.model_validate(spec), 2, LINE_BYTES, seed=5)


def new_auditor() -> ProgramReplayer:
    return ProgramReplayer(workload(), RING, START, LINES * LINE_BYTES, LINE_BYTES)


def stores(vcpu: int, first: int, stop: int) -> list[int]:
    """Return the lines that a vCPU's records write."""
    (chunk,) = islice(workload().chunks(vcpu, first), 1)
    part = chunk.part(0, stop - first)
    lines: list[int] = (part.block[part.write == 1] * 64 // LINE_BYTES).tolist()
    return lines


def image_of(*written: list[int]) -> npt.NDArray[np.uint32]:
    versions = Counter(line for lines in written for line in lines)
    return np.array([versions[line] for line in range(LINES)], np.uint32)


def addresses(*written: list[int]) -> npt.NDArray[np.int64]:
    return np.array(sorted({line * LINE_BYTES for lines in written for line in lines}), np.int64)


def test_the_auditor_knows_what_every_vcpu_and_device_has_written() -> None:
    auditor = new_auditor()
    auditor.advance(GuestState((100, 30), 1, device_writes=17), 0, None)
    first = [stores(0, 0, 100), stores(1, 0, 30), [*range(48, 64), 48]]
    assert auditor.compare(image_of(*first)).mismatched == 0
    auditor.advance(GuestState((150, 30), 2, device_writes=18), 1, None)
    assert auditor.compare(image_of(*first)).mismatched > 0
    assert auditor.compare(image_of(*first, stores(0, 100, 150), [49])).mismatched == 0


def test_the_auditor_names_what_was_modified_and_not_logged() -> None:
    auditor = new_auditor()
    written, device = stores(0, 0, 100), [48]
    logged = addresses(written, device)
    auditor.advance(GuestState((100, 0), 1, device_writes=1), 0, [logged[:5], logged[5:]])
    assert auditor.lost == []
    missing = int(addresses(stores(0, 100, 200))[0])
    again = addresses(stores(0, 100, 200))
    auditor.advance(GuestState((200, 0), 2, device_writes=1), 1, [again[again != missing]])
    (lost,) = auditor.lost
    assert lost.startswith("epoch 1: ")
    assert str(missing // LINE_BYTES) in lost


def test_a_device_write_that_was_not_logged_is_lost() -> None:
    auditor = new_auditor()
    auditor.advance(GuestState((0, 0), 0, device_writes=2), 0, [addresses([48])])
    (lost,) = auditor.lost
    assert lost == "epoch 0: 1 modified blocks not logged, in lines [49]"


def test_what_is_not_asked_for_is_not_lost() -> None:
    auditor = new_auditor()
    auditor.advance(GuestState((100, 100), 1), 0, None)
    assert auditor.lost == []


def test_bytes_are_of_distinct_blocks_in_each_epoch() -> None:
    auditor = new_auditor()
    expected = 0
    for epoch, (first, stop) in enumerate([(0, 50), (50, 250)]):
        (chunk,) = islice(workload().chunks(0, first), 1)
        part = chunk.part(0, stop - first)
        expected += 64 * np.unique(part.block[part.write == 1]).size
        auditor.advance(GuestState((stop, 0), stop), epoch, None)
        assert auditor.dirtied_bytes == expected


def test_bytes_of_devices_are_of_whole_lines() -> None:
    auditor = new_auditor()
    auditor.advance(GuestState((0, 0), 0, device_writes=18), 0, None)
    assert auditor.dirtied_bytes == 16 * LINE_BYTES


@pytest.mark.slow
def test_what_the_cores_see_is_memory_with_the_dirty_rows_in_it() -> None:
    env = simpy.Environment()
    cluster = Cluster(env, small("three-vcpus-log", failures=[]), kernel, 1 << 20)
    env.run(until=800_000)
    node, scenario = cluster.primary, cluster.scenario
    node.vm.pause(800_000)
    auditor = ProgramReplayer(
        cluster.workload, node.guest.ring, cluster.start, scenario.vm.memory, scenario.hosts.primary.line
    )
    auditor.advance(node.guest.capture(), 0, None)
    state = node.host.processor.state
    memory = state.memory.copy()
    assert auditor.compare(memory).mismatched > 0
    assert auditor.compare_coherent(state).mismatched == 0
    assert (state.memory == memory).all()
    core, index, way = np.argwhere((state.l2 >= 0) & (state.l2 & DIRTY == 1))[0]
    state.l2[core, index, way] += 1 << VERSION_SHIFT
    assert auditor.compare_coherent(state).examples == [state.l2[core, index, way] >> 32]
