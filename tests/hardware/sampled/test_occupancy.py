"""What caches hold of sets of pages, by Che's approximation."""

from dataclasses import replace

import pytest

from vmfailover.hardware.sampled.occupancy import LONGEST_S, Occupancy
from vmfailover.hardware.sampled.visits import SetDemand
from vmfailover.scenario.hosts import HostSpec

HOST = HostSpec.model_validate({"preset": "power8"})
LARGE = SetDemand(
    first=0,
    pages=16_384,
    within=4096,
    stride=4096,
    rate=1e6,
    stream=False,
    vcpus=1,
    burst=2,
    burst_lines=1.0,
    stores=1.0,
    loads=1.0,
    instructions=8.0,
    parts=1.0,
)
SMALL = replace(LARGE, first=16_384, pages=16, rate=1e5)


def test_caches_are_full_of_what_is_larger_than_they() -> None:
    found = Occupancy([LARGE, SMALL], HOST, cores=1)
    held = found.lines * found.reached(found.accessed, found.held_s)
    assert held.sum() == pytest.approx(HOST.l2.size / HOST.line, rel=1e-6)
    assert held[0] / found.lines[0] < held[1] / found.lines[1]


def test_what_fits_is_held_for_ever_and_comes_from_nowhere_else() -> None:
    found = Occupancy([SMALL], HOST, cores=1)
    assert found.held_s == LONGEST_S
    assert found.fetches == found.l3_hits == found.transfers == pytest.approx(0)


def test_a_line_comes_from_the_caches_of_the_other_cores_as_often_as_they_had_it_last() -> None:
    found = Occupancy([replace(SMALL, vcpus=4, loads=0.0)], HOST, cores=4)
    assert found.transfers == pytest.approx(3 / 4)


def test_a_stream_longer_than_the_caches_always_misses() -> None:
    found = Occupancy([replace(LARGE, stream=True, loads=0.0)], HOST, cores=1)
    assert found.fetches == pytest.approx(1.0)


def test_a_set_that_is_visited_within_parts_of_its_pages_is_as_small_as_they() -> None:
    parts, whole = replace(LARGE, within=256), replace(LARGE, pages=LARGE.pages // 16)
    found, dense = Occupancy([parts], HOST, cores=1), Occupancy([whole], HOST, cores=1)
    assert found.held_s == dense.held_s
    assert found.held_of_modified(4096, 1e9)[0] <= 2
    assert found.modified_held(4096, 1e-6)[0] == pytest.approx(1.0, rel=0.01)


def test_a_unit_has_no_more_lines_of_a_set_than_its_pages_there() -> None:
    spread = replace(SMALL, stride=32_768)
    assert Occupancy([spread], HOST, cores=1).held_of_modified(65_536, 1e3)[0] == pytest.approx(64)
    assert Occupancy([SMALL], HOST, cores=1).held_of_modified(65_536, 1e3)[0] == pytest.approx(512)


def test_of_a_unit_modified_just_now_what_was_stored_is_held() -> None:
    found = Occupancy([replace(LARGE, loads=0.0)], HOST, cores=1)
    before = LARGE.rate / LARGE.pages * found.held_s
    assert found.held_of_modified(4096, 1e-6)[0] == pytest.approx(1 + before, rel=0.01)
    assert found.held_of_modified(128, 1e-6)[0] == pytest.approx(1.0, rel=0.01)
    assert found.held_of_modified(128, 100.0)[0] == pytest.approx(
        found.reached(found.stored, found.held_s)[0], rel=0.01
    )


def test_no_more_is_dirty_than_was_stored_to() -> None:
    found = Occupancy([LARGE], HOST, cores=1)
    assert found.dirty_lines(1e-5) == pytest.approx(10, rel=0.01)
    assert found.dirty_lines(10.0) < HOST.l2.size / HOST.line
