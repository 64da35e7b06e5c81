"""The distribution of a metric over replications."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.runs import StudyRun

from ..legibility import bytes_of, legend, require_legible

LATENCY = "failover.latency_ns"


@cache
def replicated() -> Replications:
    scenario = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
    return replicate(scenario, 8, executor=InThisProcess())


def made(*values: float | None) -> Replications:
    runs = [StudyRun("", number, number, {LATENCY: value}) for number, value in enumerate(values)]
    return Replications(brief(), tuple(runs), "enough")


def test_the_steps_are_the_values_of_the_runs() -> None:
    axes = replicated().plot.distribution()
    require_legible(axes)
    assert axes.get_xlabel() == "failover latency (µs)"
    assert axes.get_ylabel() == "replications with at most this much (%)"
    steps = np.asarray(axes.get_lines()[0].get_xdata(), float)
    np.testing.assert_allclose(np.unique(steps[np.isfinite(steps)]), np.unique(replicated().numbers(LATENCY)) / 1e3)


def test_the_mean_and_its_interval_are_those_of_the_runs() -> None:
    axes = replicated().plot.distribution()
    mean = replicated().estimate(LATENCY)
    assert mean.value is not None
    assert mean.low is not None
    assert mean.high is not None
    line = next(line for line in axes.get_lines() if str(line.get_label()).startswith("mean"))
    assert list(line.get_xdata()) == pytest.approx([mean.value / 1e3] * 2)
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((mean.low / 1e3, mean.high / 1e3))


def test_quantiles_are_marked_at_their_heights() -> None:
    axes = made(*(n * 1e6 for n in range(1, 101))).plot.distribution()
    marks = {str(each.get_label()).partition(" ")[0]: each.lines[0] for each in axes.containers}
    assert {name: (line.get_xdata()[0], line.get_ydata()[0]) for name, line in marks.items()} == {
        "median": (pytest.approx(50), 0.5),
        "p99": (pytest.approx(99), 0.99),
    }
    median, p99 = legend(require_legible(axes))[1:]
    assert median == "median 50.0 ms (95 %: 40.0 to 61.0)"
    assert p99 == "p99 99.0 ms (too few runs for an interval)"


@pytest.mark.parametrize("values", [(5e6,), (5e6, 5e6, 5e6), (0.0, 0.0), (1.0, 1e9, None)])
def test_any_values_can_be_read(values: tuple[float | None, ...]) -> None:
    figure = require_legible(made(*values).plot.distribution())
    assert ("1 of them without a value" in figure.get_suptitle()) == (None in values)


def test_shares_are_of_the_runs_that_have_a_value_and_bounds_are_told() -> None:
    found = made(5e6, 6e6, None, None)
    assert found.plot.distribution().get_ylabel() == "of 2 with a value, at most this much (%)"
    metric, bound = "client.latency_p99_ns", "client.latency_p99_at_least_ns"
    runs = (StudyRun("", 0, 0, {metric: 5e6}), StudyRun("", 1, 1, {bound: 6e6}))
    figure = require_legible(Replications(brief(), runs, "enough").plot.distribution(metric))
    assert "2 replications, 1 of them with a lower bound, shown in its place" in " ".join(figure.get_suptitle().split())


def test_without_values_there_is_no_figure() -> None:
    with pytest.raises(InputError, match=r"no run has failover\.latency_ns"):
        made(None, None).plot.distribution()
    with pytest.raises(InputError, match="unknown metric"):
        made(1.0).plot.distribution("bogus")


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(replicated().plot.distribution(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second
