"""Means and Student's intervals, against a textbook and by their coverage."""

import numpy as np
import pytest

from vmfailover.studies.statistics import Estimate, Statistic, estimate, statistic


def test_a_textbook_example() -> None:
    """t with 9 degrees of freedom is 2.262 at 97.5 %."""
    found = statistic([float(number) for number in range(1, 11)])
    assert found.mean == 5.5
    assert found.half_width == pytest.approx(2.2622 * (9.1667 / 10) ** 0.5, rel=1e-4)
    assert found.n == 10


def test_fewer_than_two_observations_have_no_interval() -> None:
    assert statistic([]) == Statistic(None, None, 0)
    assert statistic([3.0]) == Statistic(3.0, None, 1)


def test_equal_observations_have_an_interval_of_no_width() -> None:
    assert statistic([2.0, 2.0, 2.0]) == Statistic(2.0, 0.0, 3)


@pytest.mark.parametrize(("values", "certain"), [([1.0, 1.1, 0.9], True), ([1.0, -1.1, 0.9], False), ([5.0], False)])
def test_an_interval_without_zero_is_certain(values: list[float], certain: bool) -> None:
    assert statistic(values).certain == certain


def test_ninety_five_of_a_hundred_intervals_hold_the_mean() -> None:
    random = np.random.default_rng(1)
    found = [statistic(random.normal(10, 3, 5).tolist()) for _ in range(4000)]
    held = sum(abs((each.mean or 0) - 10) <= (each.half_width or 0) for each in found)
    assert 0.94 < held / len(found) < 0.96


def test_the_interval_of_a_quantile_is_between_two_observations() -> None:
    values = [float(number) for number in range(1, 101)]
    median = estimate(values, "median")
    assert (median.value, median.low, median.high) == (50.0, 40.0, 61.0)
    tail = estimate(values, "p99")
    assert tail.high is None
    assert tail.low is not None
    assert tail.value == 99.0
    assert estimate(values, "max") == Estimate("max", 100.0, None, None, 100)


@pytest.mark.parametrize(("name", "share", "n"), [("median", 0.5, 12), ("median", 0.5, 40), ("p90", 0.9, 60)])
def test_quantiles_are_within_their_intervals_often_enough(name: str, share: float, n: int) -> None:
    random = np.random.default_rng(5)
    true = -np.log(1 - share)
    held = 0
    for _ in range(2000):
        found = estimate(random.exponential(size=n).tolist(), name)
        low, high = (-np.inf if found.low is None else found.low), (np.inf if found.high is None else found.high)
        held += low <= true <= high
    assert 0.945 <= held / 2000 <= 0.995


def test_no_observations_have_no_statistic() -> None:
    assert estimate([], "median") == Estimate("median", None, None, None, 0)
    assert estimate([3.0]) == Estimate("mean", 3.0, None, None, 1)
    with pytest.raises(ValueError, match="no statistic"):
        estimate([1.0], "mode")
