"""The table of validation: a row that is noisy, or off, does not pass."""

import pytest

from vmfailover.studies.statistics import Statistic

from .published import Row, meets, report


def nothing(name: str, value: object) -> None:
    del name, value


@pytest.mark.parametrize(
    ("mean", "half_width", "near", "words"),
    [
        (102.0, 3.0, True, "within 3.0%, n = 8, ± 3.0%, at most 5.0%"),
        (104.0, 3.0, False, "MISSED, n = 8, ± 3.0%, at most 5.0%"),
        (104.0, 6.0, False, "TOO NOISY, n = 8, ± 6.0%, at most 5.0%"),
    ],
)
def test_a_mean_is_near_if_its_interval_is_narrow_and_holds_what_is_expected(
    mean: float, half_width: float, near: bool, words: str
) -> None:
    row = meets("wait", 100.0, Statistic(mean, half_width, 8), widest=0.05)
    assert row.near == near
    assert str(row).endswith(words)
    if near:
        report("table", [row], nothing)
        return
    with pytest.raises(AssertionError, match="wait"):
        report("table", [row], nothing)


def test_a_miss_has_to_stay_one() -> None:
    report("table", [Row("known", 100.0, 120.0, "predicted")], nothing)
    with pytest.raises(AssertionError, match="no miss any more"):
        report("table", [Row("known", 100.0, 101.0, "predicted")], nothing)
