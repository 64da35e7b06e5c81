"""How the rates of hot sets change together."""

import numpy as np
import pytest

from vmfailover.guest.workloads.hot_sets import Fluctuation
from vmfailover.guest.workloads.hot_sets.pace import UNIT, Fluctuating, pace_of

TICK = 100_000
KEY = np.uint64(77)


def fluctuating(variation: str = "40 %", correlation: str = "10 ms") -> Fluctuating:
    spec = Fluctuation.model_validate({"variation": variation, "correlation": correlation})
    return Fluctuating(spec, TICK, KEY)


def factors(pace: Fluctuating, ticks: range) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([pace.at(tick).factor / UNIT for tick in ticks])


@pytest.mark.parametrize("variation", [0.1, 0.4, 1.0])
def test_mean_and_variation(variation: float) -> None:
    drawn = factors(fluctuating(f"{variation:.0%}".replace("%", " %")), range(0, 600_000, 6))
    assert drawn.mean() == pytest.approx(1, abs=0.05 * variation)
    assert drawn.std() == pytest.approx(variation, rel=0.1)


def test_the_logarithm_forgets_within_its_correlation() -> None:
    logarithms = np.log(factors(fluctuating(), range(0, 600_000, 6)))
    centred = logarithms - logarithms.mean()
    for lag in (6, 17, 34):  # of 0.6 ms each
        autocorrelation = (centred[:-lag] * centred[lag:]).mean() / centred.var()
        assert autocorrelation == pytest.approx(np.exp(-lag * 0.6 / 10), abs=0.06)


def test_any_tick_can_be_asked_for_first() -> None:
    onwards, backwards = fluctuating(), fluctuating()
    ticks = [0, 1, 5, 24_575, 24_576, 100_000, 3]
    assert [onwards.at(tick) for tick in sorted(ticks)] == sorted(backwards.at(tick) for tick in reversed(ticks))


def test_what_comes_before_a_tick_is_the_sum_of_its_factors() -> None:
    pace = fluctuating()
    total = 0
    for tick in range(30_000):  # beyond a block
        span = pace.at(tick)
        assert span.before == total
        total += span.factor


def test_a_correlation_below_a_tick_leaves_ticks_independent() -> None:
    drawn = factors(fluctuating(correlation="1 us"), range(20_000))
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_no_factor_is_beyond_the_largest() -> None:
    pace = fluctuating("300 %")
    assert factors(pace, range(100_000)).max() <= pace.most


def test_without_fluctuation_each_tick_has_its_mean() -> None:
    assert pace_of(None, TICK, KEY).at(7) == (7 * UNIT, UNIT)
