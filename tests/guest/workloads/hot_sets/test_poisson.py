"""Draws with Poisson's law."""

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

from vmfailover.guest.workloads.hot_sets.poisson import draw_poisson

DRAWS = 20_000


def drawn(mean: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    keys = np.random.default_rng(5).integers(1 << 64, size=DRAWS, dtype=np.uint64)
    return np.array([draw_poisson(mean, key) for key in keys])


@pytest.mark.parametrize("mean", [0.03, 0.9, 9.99, 10.01, 60.0, 4_000.0])
def test_numbers_are_as_frequent_as_poissons_law_says(mean: float) -> None:
    cuts = np.unique(poisson.ppf(np.linspace(0.01, 0.99, 25), mean))
    bins = np.concatenate([[-1], cuts, [np.inf]])
    expected = np.diff(poisson.cdf(bins, mean)) * DRAWS
    observed = np.diff([np.count_nonzero(drawn(mean) <= edge) for edge in bins])
    assert chisquare(observed[expected > 0], expected[expected > 0]).pvalue > 0.001


@pytest.mark.parametrize("mean", [1e6, 1e9])
def test_large_means_have_their_variance(mean: float) -> None:
    numbers = drawn(mean)
    assert abs(numbers.mean() - mean) < 4 * np.sqrt(mean / DRAWS)
    assert numbers.var() == pytest.approx(mean, rel=0.04)


def test_a_key_has_one_number() -> None:
    assert draw_poisson(50.0, np.uint64(3)) == draw_poisson(50.0, np.uint64(3))
