"""Which pages of hot sets are visited in which tick."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hot_set_programs import hot_sets, periodic_set, random_set, stream_set

from vmfailover.guest.workloads.hot_sets.draws import HotSetDraws, Visits
from vmfailover.guest.workloads.hot_sets.pace import UNIT

ALL = hot_sets(
    random_set(200_000),
    stream_set(33_000, burst="1 KiB"),
    periodic_set(100_000, vcpus=[1]),
    fluctuation={"variation": "40 %", "correlation": "2 ms"},
)


def together(draws: HotSetDraws, ticks: range, vcpu: int = 0) -> Visits:
    drawn = [draws.visits(vcpu, tick) for tick in ticks]
    return Visits(*(np.concatenate(column) for column in zip(*drawn, strict=True)))


def same(left: Visits, right: Visits) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in Visits._fields)


def test_visits_do_not_depend_on_who_asks_when() -> None:
    ticks = [(vcpu, tick) for tick in (0, 1, 10, 5_000, 100_000) for vcpu in (0, 1)]
    onwards, backwards = HotSetDraws(ALL, 2, 3), HotSetDraws(ALL, 2, 3)
    first = {each: onwards.visits(*each) for each in ticks}
    second = {each: backwards.visits(*each) for each in reversed(ticks)}
    assert all(same(first[each], second[each]) for each in ticks)


def test_seeds_vcpus_and_ticks_differ() -> None:
    one, other = HotSetDraws(ALL, 2, 3), HotSetDraws(ALL, 2, 4)
    assert not same(one.visits(0, 0), other.visits(0, 0))
    assert not same(one.visits(0, 0), one.visits(0, 1))
    assert not same(one.visits(0, 0), one.visits(1, 0))


def test_a_further_set_changes_nothing_of_the_others() -> None:
    alone = together(HotSetDraws(hot_sets(random_set()), 1, 3), range(200))
    both = together(HotSetDraws(hot_sets(random_set(), random_set(50_000)), 1, 3), range(200))
    assert np.array_equal(alone.page, both.page[both.set == 0])


@pytest.mark.parametrize("visits", [700, 90_000, 1_500_000])
def test_counts_of_a_random_set_have_poissons_law(visits: int) -> None:
    draws = HotSetDraws(hot_sets(random_set(visits)), 1, 3)
    counts = np.array([draws.counts(0, tick)[0] for tick in range(20_000)])
    mean = visits / 10_000
    assert abs(counts.mean() - mean) < 4 * np.sqrt(mean / counts.size)
    assert counts.var() == pytest.approx(mean, rel=0.06)
    assert abs(np.corrcoef(counts[:-1], counts[1:])[0, 1]) < 0.03


def test_visits_are_shared_out_between_vcpus() -> None:
    draws = HotSetDraws(ALL, 4, 3)
    counts = np.array([[draws.counts(vcpu, tick) for tick in range(5_000)] for vcpu in range(4)]).sum(axis=1)
    assert counts[:, 0] == pytest.approx(25_000, rel=0.1)
    assert counts[:, 1] == pytest.approx(4_125, rel=0.1)
    assert counts[1, 2] == pytest.approx(50_000, rel=0.1)
    assert counts[[0, 2, 3], 2].sum() == 0


def test_fluctuation_goes_with_the_counts() -> None:
    draws = HotSetDraws(ALL, 2, 3)
    counts = np.array([draws.counts(0, tick)[0] for tick in range(20_000)])
    factors = np.array([draws.pace.at(tick).factor for tick in range(20_000)]) / UNIT
    assert np.polyfit(factors, counts, 1) == pytest.approx([10, 0], abs=0.4)


@pytest.mark.parametrize(("burst", "step"), [(64, 1), (256, 4), (192, 1), (4096, 64)])
def test_pages_and_places_of_bursts_are_equally_likely(burst: int, step: int) -> None:
    spec = hot_sets(random_set(2_000_000, "64 KiB", offset="8 KiB", burst=f"{burst} B"))
    visits = together(HotSetDraws(spec, 1, 3), range(400))
    pages, places = np.bincount(visits.page), np.bincount(visits.block)
    assert (pages[:2].sum(), pages.size, places.size) == (0, 18, 65 - burst // 64)
    assert pages[2:] == pytest.approx(np.full(16, visits.page.size / 16), rel=0.1)
    assert places[::step] == pytest.approx(
        np.full(places[::step].size, visits.page.size / places[::step].size), rel=0.2
    )
    assert places[::step].sum() == visits.page.size


def test_a_set_is_visited_within_a_part_of_each_page_at_a_place_of_its_own() -> None:
    visits = together(HotSetDraws(hot_sets(random_set(2_000_000, "256 KiB", within="256 B")), 1, 3), range(400))
    first = {page: int(visits.block[visits.page == page].min()) for page in range(64)}
    assert all(set(visits.block[visits.page == page] - begin) == {0, 1, 2, 3} for page, begin in first.items())
    assert set(first.values()) == set(range(0, 64, 4))


@pytest.mark.parametrize("kind", [random_set, stream_set])
def test_pages_of_a_set_are_a_stride_apart(kind: Callable[..., dict[str, Any]]) -> None:
    spec = hot_sets(kind(1_000_000, "64 KiB", stride="20 KiB"), random_set(memory="8 KiB"))
    visits = together(HotSetDraws(spec, 1, 3), range(400))
    assert sorted(set(visits.page[visits.set == 0])) == list(range(0, 80, 5))
    assert spec.offsets[1] == (15 * 5 + 1) * 4096


@pytest.mark.parametrize("visits", [300, 45_000])
def test_a_stream_visits_each_page_in_turn(visits: int) -> None:
    spec = hot_sets(stream_set(visits), fluctuation={"variation": "80 %", "correlation": "2 ms"})
    pages = together(HotSetDraws(spec, 1, 3), range(10_000)).page.astype(int)
    assert pages.size == pytest.approx(visits, rel=0.15)
    assert np.all(np.diff(pages) % 256 == 1)


def test_vcpus_of_a_stream_begin_apart() -> None:
    draws = HotSetDraws(hot_sets(stream_set(300_000, vcpus=[0, 2])), 3, 3)
    assert [int(draws.visits(vcpu, 0).page[0]) for vcpu in (0, 2)] == [0, 128]


def test_a_periodic_set_is_visited_in_the_first_tick_of_each_period() -> None:
    draws = HotSetDraws(hot_sets(periodic_set(4_400, "64 KiB")), 1, 3)
    counts = np.array([draws.counts(0, tick)[0] for tick in range(20_000)]).reshape(-1, 10)
    assert counts[:, 1:].sum() == 0
    assert counts[:, 0].mean() == pytest.approx(4.4, rel=0.05)
    assert counts[:, 0].var() == pytest.approx(4.4, rel=0.1)


def test_sets_are_mixed_at_random() -> None:
    sets = together(HotSetDraws(hot_sets(random_set(2_000_000), stream_set(2_000_000)), 1, 3), range(100)).set
    assert np.count_nonzero(np.diff(sets)) == pytest.approx(sets.size / 2, rel=0.05)
    assert sets[:50].mean() == pytest.approx(0.5, abs=0.25)


def test_sets_lie_one_after_the_other_unless_they_say_where() -> None:
    spec = hot_sets(random_set(), random_set(memory="8 KiB"), random_set(offset="0 B", memory="4 KiB"), random_set())
    assert spec.offsets == (0, 2**20, 0, 4096)
