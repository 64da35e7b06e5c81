"""Sets that modify what is known of a guest, in as much memory as it uses."""

from typing import Literal

import numpy as np
import pytest

from vmfailover.errors import InputError
from vmfailover.guest.workloads.hot_sets.draws import HotSetDraws
from vmfailover.scenario.units import RATE, SIZE
from vmfailover.studies.fit import DirtyRate, Fit, fit_rates
from vmfailover.studies.fit.profile import workload_of

IN_USE = 40 << 30
ONE, TWO, THREE = ["80MB/s over 10ms"], ["80MB/s over 10ms", "30MB/s over 1s"], ["200MB/s over 1ms"]


def fitted(rates: list[str], below: Literal["low", "high"] = "low") -> Fit:
    return fit_rates([DirtyRate.parse(each) for each in rates], IN_USE, below=below)


def modified(found: Fit, seconds: float) -> float:
    """Bytes that the sets of a fit modify in a window, by Poisson's law."""
    pages = [SIZE.read(each["memory"]) / 4096 for each in found.workload["sets"]]
    rates = [RATE.read(each["visits"]) for each in found.workload["sets"]]
    return float(sum(4096 * n * -np.expm1(-rate / n * seconds) for n, rate in zip(pages, rates, strict=True)))


@pytest.mark.parametrize("below", ["low", "high"])
@pytest.mark.parametrize("rates", [ONE, TWO, THREE + TWO])
def test_each_rate_is_met_in_all_memory_in_use(rates: list[str], below: Literal["low", "high"]) -> None:
    found = fitted(rates, below)
    for each in map(DirtyRate.parse, rates):
        assert modified(found, each.window_ns / 1e9) == pytest.approx(each.modified, rel=0.02)
    assert sum(int(SIZE.read(each["memory"])) for each in found.workload["sets"]) == IN_USE
    assert found.good
    assert [point.recorded * 4096 for point in found.points] == pytest.approx(
        [DirtyRate.parse(each).modified for each in rates]
    )


def test_the_ends_of_what_is_possible_in_shorter_windows() -> None:
    first = DirtyRate.parse(ONE[0]).modified
    assert modified(fitted(ONE, "low"), 0.001) == pytest.approx(first / 10, rel=0.01)
    assert modified(fitted(ONE, "high"), 0.001) == pytest.approx(first, rel=0.05)


def test_a_longer_window_narrows_what_is_possible_in_shorter_ones() -> None:
    # In a straight line down from 1 s and 10 ms: 800 kB less 990 ms' share of 29.2 MB.
    assert modified(fitted(TWO, "high"), 0.001) == pytest.approx(800_000 - 29.2e6 / 0.99 * 0.009, rel=0.05)
    assert any("at most 505 kB at once" in note for note in fitted(TWO).notes)


def test_drawn_sets_modify_what_is_known() -> None:
    draws = HotSetDraws(workload_of(fitted(ONE).workload), 1, 3)
    windows = [
        np.unique(np.concatenate([draws.visits(0, 100 * n + k).page for k in range(100)])).size for n in range(20)
    ]
    assert np.mean(windows) * 4096 == pytest.approx(800_000, rel=0.04)


def test_what_is_assumed_is_said() -> None:
    assert any("no time is given; 1 s is taken" in note for note in fitted(["12 MiB/s"]).notes)
    assert any("below 10.0 ms only this is known: at least 80.0 kB" in note for note in fitted(ONE).notes)
    assert fitted(ONE).workload["fitted"]["shortest_window"] == "10 ms"


@pytest.mark.parametrize(
    ("rates", "in_use", "words"),
    [
        (["80MB/s over 10ms", "90MB/s over 1s"], IN_USE, "is more a second than"),
        (["80MB/s over 10ms", "1MB/s over 100ms"], IN_USE, "modifies less than"),
        (["80MB/s over 10ms", "70MB/s over 10ms"], IN_USE, "two rates over 10 ms"),
        (["80MB/s over 10ms"], 400_000, "all of it or more"),
        ([], IN_USE, "none is given"),
    ],
)
def test_rates_that_no_guest_has_are_refused(rates: list[str], in_use: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_rates([DirtyRate.parse(each) for each in rates], in_use)
