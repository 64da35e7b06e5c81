"""Zipf's law: the table against the law itself, and drawing from the table against the table."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vmfailover.guest.workloads.generator import AliasTable, fill_ranks, random_bits, scatter
from vmfailover.guest.workloads.keys import child, words
from vmfailover.guest.workloads.layout import scattering
from vmfailover.guest.workloads.popularity import rank_ranges, zipf_table

SIZES = [1, 2, 3, 100, 1000, 65536, 1 << 20]
SKEWS = [0.01, 0.5, 0.99, 1.0, 1.5, 4.0]


def law(ranks: int, skew: float) -> NDArray[np.float64]:
    weights = np.arange(1.0, ranks + 1) ** -skew
    return np.asarray(weights / weights.sum())


def table_probabilities(table: AliasTable, ranks: int) -> NDArray[np.float64]:
    """float64[ranks]: how likely each rank is, according to the table's definition."""
    own = table.threshold / 2**31
    cell = np.bincount(table.alias, weights=1 - own, minlength=len(own)) + own
    drawn = np.flatnonzero(cell)
    probabilities = np.zeros(ranks)
    for lowest, width, share in zip(table.lowest[drawn], table.ranks[drawn], cell[drawn], strict=True):
        probabilities[lowest : lowest + width] += share / len(own) / width
    return probabilities


@pytest.mark.parametrize("ranks", SIZES)
@pytest.mark.parametrize("skew", SKEWS)
def test_within_two_percent_of_the_law(ranks: int, skew: float) -> None:
    exact, approximate = law(ranks, skew), table_probabilities(zipf_table(ranks, skew), ranks)
    seen = exact > 1e-9
    assert np.allclose(approximate[seen], exact[seen], rtol=0.02, atol=0)
    hot = slice(max(0, int(100 * min(skew, 4)) - 1))
    assert np.allclose(approximate[hot], exact[hot], rtol=1e-3, atol=1e-9)
    assert abs(approximate.sum() - 1) < 1e-9


@pytest.mark.parametrize("skew", [8.0, 100.0])
def test_steep_laws(skew: float) -> None:
    exact, approximate = law(65536, skew), table_probabilities(zipf_table(65536, skew), 65536)
    seen = exact > 1e-9
    assert np.allclose(approximate[seen], exact[seen], rtol=0.02, atol=0)


@pytest.mark.parametrize("ranks", [*SIZES, 1 << 32])
def test_ranges_cover_all_ranks(ranks: int) -> None:
    ranges = rank_ranges(ranks, 0.99)
    ends = [lowest + width for lowest, width in ranges]
    assert [0, *ends] == [*(lowest for lowest, _ in ranges), ranks]
    assert len(ranges) < 2048


@pytest.mark.parametrize("skew", [0.5, 0.99, 1.5])
def test_drawn_ranks_follow_the_table(skew: float) -> None:
    """Pearson's statistic over classes of ranks; its mean is the classes - 1, its variance twice that."""
    ranks, draws = 20_000, 1 << 20
    table = zipf_table(ranks, skew)
    drawn = np.empty(draws, np.uint32)
    fill_ranks(drawn, np.uint64(0), np.uint64(12345), table)
    classes = np.unique(np.concatenate([np.arange(50), np.geomspace(50, ranks, 400).astype(int)]))
    expected = draws * np.add.reduceat(table_probabilities(table, ranks), classes[:-1])
    observed = np.add.reduceat(np.bincount(drawn, minlength=ranks), classes[:-1])
    degrees = len(expected) - 1
    statistic = float(((observed - expected) ** 2 / expected).sum())
    assert abs(statistic - degrees) < 5 * np.sqrt(2 * degrees)


def test_random_bits_are_those_of_splitmix64() -> None:
    """The first outputs for seed 1234567, as published with the generator's reference implementation."""
    outputs = [int(random_bits(np.uint64(1234567), np.uint64(counter))) for counter in range(3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 100, 1000, 4095, 4096, 4097, 1 << 20, 1_562_500])
def test_scattering_is_a_bijection(size: int) -> None:
    places = np.arange(size, dtype=np.uint32)
    scatter(places, np.uint64(0), np.uint64(1), scattering(size, words(child(3), 3)))
    assert np.array_equal(np.sort(places), np.arange(size))


@pytest.mark.parametrize("size", [1 << 20, 1_562_500, (1 << 21) - 1])
def test_the_most_popular_blocks_are_strewn_like_random_ones(size: int) -> None:
    """Over the 512 sets of a cache, and over 512 stretches of memory, the variance is that of random places."""
    places = np.arange(8192, dtype=np.uint32)
    scatter(places, np.uint64(0), np.uint64(1), scattering(size, words(child(4), 3)))
    for groups in (places % 512, places.astype(np.int64) * 512 // size):
        counts = np.bincount(groups, minlength=512)
        assert 0.7 < counts.var() / counts.mean() < 1.35
