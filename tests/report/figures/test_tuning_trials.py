"""The trials of a search."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from scenarios_for_tests import minute

from vmfailover.errors import InputError
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.objective import Constraint, Objective
from vmfailover.studies.statistics import Estimate
from vmfailover.studies.tuning import Trial, Tuning, tune

from ..legibility import bytes_of, legend, require_legible

INTERVAL, RATE = "replication.checkpoint_interval", "link.bandwidth"


def trial(number: int, value: float | None, *excess: float, error: str = "") -> Trial:
    place = number / 10
    point = {INTERVAL: f"{100 + number}500 ns", RATE: f"{number + 1} Gbit/s"}
    positions = {INTERVAL: place, RATE: 1 - place}
    return Trial(number, point, positions, Estimate("mean", value, None, None, int(value is not None)), excess, error)


def made(*trials: Trial, best: int | None = None, confirmed: bool = True) -> Tuning:
    """A search with this best trial, which has been run again if it is confirmed."""
    finalists = tuple(replace(each) if confirmed else each for each in trials if each.number == best)
    limits = (Constraint.parse("client.latency_p99_ns < 2 ms"),)
    worse = (False,) * len(finalists)
    return Tuning(minute(), Objective.parse("guest.slowdown"), limits, trials, finalists, worse)


def marked(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """The (place, height) of the marks of each kind."""
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    return {
        label: [
            (float(x), float(y))
            for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
        ]
        for label, line in lines.items()
    }


def test_the_title_says_how_many_runs_a_trial_has() -> None:
    figure = require_legible(made(*TRIALS, best=7).plot.trials())
    assert figure.get_suptitle().replace("\n", " ").endswith("3 runs each)")
    single = replace(made(*TRIALS, best=7), replications=1)
    assert require_legible(single.plot.trials()).get_suptitle().replace("\n", " ").endswith("one run each)")


def test_a_best_trial_that_was_not_run_again_is_called_luck() -> None:
    axes = made(*TRIALS, best=7, confirmed=False).plot.trials()
    title = require_legible(axes).get_suptitle().replace("\n", " ")
    assert title.endswith("not run again: this may have been luck)")
    assert marked(axes)["the best so far, by luck or not"] == [(0.7, 30.0)]


TRIALS = (
    trial(0, 0.5, -1.0),
    trial(4, 0.2, 1.0),
    trial(7, 0.3, -1.0),
    trial(9, None, -1.0),
    trial(10, 0.4, error="broken"),
)


def test_trials_are_where_they_belong() -> None:
    axes = made(*TRIALS, best=7).plot.trials()
    figure = require_legible(axes)
    found = marked(axes)
    assert found["keeps every constraint"] == [(0.0, 50.0), (0.7, 30.0)]
    assert found["not possible"] == [(0.4, 20.0), (1.0, 40.0)]
    assert found["the best, as confirmed by more runs"] == [(0.7, 30.0)]
    assert [panel.get_xlabel() for panel in figure.axes] == [INTERVAL, RATE]
    assert axes.get_ylabel() == "mean of guest slowdown (%)"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["100.5 µs", "104.5 µs", "107.5 µs", "110.5 µs"]
    assert (
        "client.latency_p99_ns < 2 ms (5 trials, 1 of them without a value, 3 runs each)"
        in figure.get_suptitle().replace("\n", " ")
    )


def test_without_a_possible_trial_there_is_no_best() -> None:
    figure = require_legible(made(trial(0, 0.001, 1.0), trial(5, 9.0, 1.0)).plot.trials())
    assert legend(figure) == ["not possible"]
    assert figure.axes[0].get_ylabel() == "mean of guest slowdown (%, logarithmic)"


def test_without_values_there_is_no_figure() -> None:
    with pytest.raises(InputError, match=r"no trial has guest\.slowdown"):
        made(trial(0, None)).plot.trials()


def test_a_real_search_can_be_read() -> None:
    pytest.importorskip("optuna")
    vary = {INTERVAL: "60us:450us:log", RATE: "1Gbit/s:40Gbit/s:log"}
    scenario = minute(failures=[])
    found = tune(scenario, "guest.slowdown", vary, trials=8, replications=1, confirmations=2, executor=InThisProcess())
    axes = found.plot.trials()
    require_legible(axes)
    assert sum(map(len, marked(axes).values())) == 8 + (found.best is not None)


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(made(*TRIALS, best=7).plot.trials(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second


def test_a_single_key_leaves_room_for_the_legend() -> None:
    only = tuple(replace(each, point={RATE: each.point[RATE]}, positions={RATE: 0.1 * each.number}) for each in TRIALS)
    figure = require_legible(made(*only, best=7).plot.trials())
    assert len(legend(figure)) == 3
