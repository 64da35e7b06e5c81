"""Phi accrual: patience goes with what has been heard, and with the threshold."""

from typing import Any

import pytest

from .watch import Pair

MS = 1_000_000
#: Standard deviations above the mean at which a normal variable is exceeded with probability 10^-1 and 10^-8.
ONE, EIGHT = 1.2815515655, 5.6120012442


def patience_ns(heard_ms: list[int], **phi: Any) -> int:
    """Return the patience after heartbeats at these instants."""
    pair = Pair(kind="phi-accrual", interval="10 ms", phi={"least_deviation": "0 ns", "pause": "0 ns", **phi})
    pair.watched.out.sever()
    for at_ms in heard_ms:
        pair.env.run(until=at_ms * MS)
        pair.detector.hear()  # type: ignore[attr-defined]
    return int(pair.detector.patience_ns)  # type: ignore[attr-defined]


@pytest.mark.parametrize("heard_ms", [[], [10], [10, 21]])
def test_before_two_gaps_a_quarter_of_the_interval_is_the_deviation(heard_ms: list[int]) -> None:
    assert patience_ns(heard_ms) == pytest.approx((10 + EIGHT * 2.5) * MS, abs=2)


@pytest.mark.parametrize(("threshold", "deviations"), [(1, ONE), (8, EIGHT)])
def test_the_threshold_is_so_many_deviations_above_the_mean(threshold: int, deviations: float) -> None:
    """The gaps are 8 and 12 ms: 10 in the mean, with a deviation of 2."""
    assert patience_ns([10, 18, 30], threshold=threshold) == pytest.approx((10 + deviations * 2) * MS, abs=2)


def test_only_the_latest_gaps_count() -> None:
    assert patience_ns([10, 18, 30, 40, 50], window=2) == 10 * MS


def test_a_regular_host_has_the_least_deviation_and_the_pause() -> None:
    assert patience_ns([10, 20, 30], least_deviation="1 ms", pause="7 ms") == pytest.approx(
        (10 + EIGHT + 7) * MS, abs=2
    )
