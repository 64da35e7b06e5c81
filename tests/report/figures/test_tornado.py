"""The tornado of a sensitivity analysis."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle
from scenarios_for_tests import brief

from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.objective import Objective
from vmfailover.studies.sensitivity import Effect, Method, Sensitivity, sensitivity

from ..legibility import bytes_of, legend, require_legible

EFFECTS = (
    Effect("detection.timeout", 2e6, 1e5, 5e5),
    Effect("link.latency", 1e6, 2e6, 1.5e6),
    Effect("replication.checkpoint_interval", 0.0, 0.0, 0.0),
)


def made(*effects: Effect, method: Method = "morris", metric: str = "failover.latency_ns") -> Sensitivity:
    return Sensitivity(brief(), Objective(metric, "p99"), method, effects, ())


def bars(axes: Axes) -> list[Rectangle]:
    """The bars, from the top."""
    found = [bar for each in axes.containers if isinstance(each, BarContainer) for bar in each.patches]
    return sorted((bar for bar in found if isinstance(bar, Rectangle)), key=lambda bar: bar.get_y())


@cache
def found() -> Sensitivity:
    pytest.importorskip("SALib")
    scenario = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
    vary = {"detection.timeout": "600us:1400us", "link.latency": "5us:20us"}
    return sensitivity(scenario, "failover.latency_ns", vary, samples=3, executor=InThisProcess())


def test_a_real_analysis_has_its_bars_the_greatest_on_top() -> None:
    axes = found().plot.tornado()
    figure = require_legible(axes)
    unit = {"failover latency (µs)": 1e3, "failover latency (ms)": 1e6}[axes.get_xlabel().removeprefix("change of ")]
    assert [bar.get_width() * unit for bar in bars(axes)] == pytest.approx([each.total for each in found().effects])
    assert [label.get_text() for label in axes.get_yticklabels()] == [each.key for each in found().effects]
    assert axes.yaxis_inverted()
    assert f"{len(found().runs)} runs, Morris" in figure.get_suptitle()


def test_what_chance_may_explain_is_hatched_and_lighter() -> None:
    axes = made(*EFFECTS).plot.tornado()
    assert [bool(bar.get_hatch()) for bar in bars(axes)] == [False, True, True]
    assert sum(to_rgb(bars(axes)[1].get_facecolor())) > sum(to_rgb(bars(axes)[0].get_facecolor()))
    assert len(legend(require_legible(axes))) == 3


def test_marks_are_what_a_key_does_alone() -> None:
    axes = made(*EFFECTS).plot.tornado()
    marks = next(line for line in axes.get_lines() if line.get_marker() == "D")
    np.testing.assert_allclose(np.asarray(marks.get_xdata()), [0.5, 1.5, 0])
    assert axes.get_xlabel() == "change of failover latency (ms)"


@pytest.mark.parametrize(
    ("method", "metric", "label"),
    [
        ("sobol", "guest.slowdown", "share of the variance (%)"),
        ("morris", "guest.slowdown", "change of guest slowdown (percentage points)"),
    ],
)
def test_shares_are_percentages(method: Method, metric: str, label: str) -> None:
    effects = (Effect("a", 0.9, 0.1, 0.5), Effect("b", 0.2, 0.3, -0.1))
    axes = made(*effects, method=method, metric=metric).plot.tornado()
    require_legible(axes)
    assert axes.get_xlabel() == label
    assert [bar.get_width() for bar in bars(axes)] == pytest.approx([90, 20])


def test_effects_that_are_all_nothing_can_be_read() -> None:
    require_legible(made(Effect("a", 0.0, 0.0, 0.0), Effect("b", 0.0, 0.0, 0.0)).plot.tornado())


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(made(*EFFECTS).plot.tornado(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second
