"""Two metrics of a sweep against each other."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marks import mostly_slow
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vmfailover.errors import InputError
from vmfailover.report.chance import SINGLE_DRAWS
from vmfailover.report.figures.sweep_pareto import certainly_behind, front_of, holding

from ..legibility import bytes_of, legend, require_legible, words
from .sweeps import made, swept

LATENCY, SLOWDOWN = "failover.latency_ns", "guest.slowdown"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25))
def test_the_front_is_what_no_other_is_better_than(points: list[tuple[int, int]]) -> None:
    better = [
        any(other != point and other[0] <= point[0] and other[1] <= point[1] for other in points) for point in points
    ]
    x, y = np.array(points).T
    front = front_of(x, y)
    assert sorted(front) == [at for at, worse in enumerate(better) if not worse]
    assert [points[at][0] for at in front] == sorted(points[at][0] for at in front)


def test_a_real_sweep_has_every_point_that_was_run() -> None:
    axes = swept().plot.pareto(SLOWDOWN, "failover.latency")
    figure = require_legible(axes)
    assert axes.get_xlabel().startswith("guest slowdown (%)")
    assert axes.get_ylabel().startswith("failover latency (")
    frame = swept().frame[swept().frame["error"] == ""]
    points = [line for line in axes.get_lines() if line.get_marker() == "o"]
    shown = np.concatenate([np.asarray(line.get_xdata(), float) for line in points])
    np.testing.assert_allclose(np.unique(shown), np.unique(frame[SLOWDOWN].astype(float) * 100))
    assert "2 points without values are left out" in " ".join(words(figure))
    assert "95 % confidence interval" in legend(figure)


@pytest.mark.parametrize("count", mostly_slow([1, 3, 12, 40], 12))
@pytest.mark.parametrize("power", [0.02, 1, 8])
def test_labels_of_a_front_do_not_cover_one_another(count: int, power: float) -> None:
    places = (np.arange(count) + 1.0) / count
    texts = [f"{n + 1}00 us" for n in range(count)]
    found = made({"a": texts}, {SLOWDOWN: list(places**power), LATENCY: list(1e6 * (2 - places))})
    figure = require_legible(found.plot.pareto())
    (listed,) = (text for text in words(figure) if "than which no other" in text)
    assert listed.count("µs") + listed.count("ms") == min(count, 24)
    assert ("… and 16 more" in listed) == (count == 40)


def test_points_that_are_close_together_share_a_label() -> None:
    values = {SLOWDOWN: [0.1, 0.5, 0.501, 0.502, 0.9], LATENCY: [9e6, 5.02e6, 5.01e6, 5e6, 1e6]}
    figure = require_legible(made({"a": list("vwxyz")}, values).plot.pareto())
    assert {"1", "2–4", "5"} <= set(words(figure))


def test_the_list_names_the_points_by_their_numbers() -> None:
    keys = {"a": ["1ms", "2ms"], "b": ["x", "y"]}
    found = made(keys, {SLOWDOWN: [0.3, 0.1, 0.2, 0.4], LATENCY: [1e6, 3e6, 2e6, 4e6]}, broken=[3])
    figure = require_legible(found.plot.pareto())
    (listed,) = (text for text in words(figure) if "than which no other" in text)
    numbered = [line.strip() for line in listed.replace("\u2007", " ").splitlines() if "ms" in line]
    assert numbered == ["1  1 ms, y", "2  2 ms, x", "3  1 ms, x"]
    assert {"1", "2", "3"} <= set(words(figure))
    assert "broke an invariant" in legend(figure)


@pytest.mark.parametrize(("known", "front"), [([4, 4, 4], 1), ([1, 4, 4], 2), ([1, 1, 1], 0)])
def test_what_some_runs_lack_is_no_better_than_anything(known: list[int], front: int) -> None:
    """The first is the best of all, if it is one."""
    values = {SLOWDOWN: [0.1, 0.2, 0.3], LATENCY: [1e6, 3e6, 2e6]}
    figure = require_legible(made({"a": list("xyz")}, values, known={LATENCY: known}).plot.pareto())
    partial = sum(count < 4 for count in known)
    (listed,) = (text for text in words(figure) if "than which no other" in text)
    assert listed.startswith(f"{front} of {3 - partial} points")
    assert (f"{partial} points lack values in some runs" in listed) == bool(partial)
    assert ("some runs have no value: this is of the others, and not compared" in legend(figure)) == bool(partial)


@pytest.mark.parametrize(
    ("low", "high", "behind"),
    [
        ([[1, 2], [1, 2]], [[1, 2], [1, 2]], [False, True]),
        ([[1, 1], [1, 2]], [[1, 1], [1, 2]], [False, True]),
        ([[1, 1], [1, 1]], [[1, 1], [1, 1]], [False, False]),
        ([[1, 2], [1, 2]], [[3, 4], [1, 2]], [False, False]),
        ([[1, 4], [1, 2]], [[3, 5], [1, 2]], [False, True]),
        ([[1, 4], [0, 1]], [[3, 5], [2, 3]], [False, False]),
        ([[1, 2], [2, 1]], [[1, 2], [2, 1]], [False, False]),
    ],
)
def test_what_chance_may_have_put_behind_is_not_certainly_there(
    low: list[list[int]], high: list[list[int]], behind: list[bool]
) -> None:
    assert certainly_behind(np.array(low), np.array(high)).tolist() == behind


def line_named(axes: Axes, label: str) -> Line2D:
    return next(line for line in axes.get_lines() if line.get_label() == label)


def test_points_that_may_be_behind_by_chance_are_told_from_those_that_are() -> None:
    values = {SLOWDOWN: [0.10, 0.12, 0.50], LATENCY: [1e6, 1.1e6, 5e6]}
    found = made({"a": list("xyz")}, values, widths={SLOWDOWN: [0.03, 0.03, 0.03], LATENCY: [2e5, 2e5, 2e5]})
    axes = found.plot.pareto()
    figure = require_legible(axes)
    assert np.asarray(line_named(axes, "may be behind by chance alone").get_xdata()).tolist() == pytest.approx([12])
    assert "1 more may be behind them by chance alone" in " ".join(words(figure))
    assert "means of 4 runs each" in " ".join(words(figure))


def test_single_runs_say_that_they_are() -> None:
    nothing: list[float | None] = [None, None]
    values, widths = {SLOWDOWN: [0.1, 0.2], LATENCY: [2e6, 1e6]}, {SLOWDOWN: nothing, LATENCY: nothing}
    axes = made({"a": ["x", "y"]}, values, widths=widths, replications=1).plot.pareto()
    figure = require_legible(axes)
    assert SINGLE_DRAWS in " ".join(words(figure)).replace("\n", " ")
    assert "no other single run is better" in legend(figure)
    assert "no other one is better" not in legend(figure)


def test_without_values_there_is_no_figure() -> None:
    with pytest.raises(InputError, match="no point of the sweep has both"):
        made({"a": ["1", "2"]}, {SLOWDOWN: [1, None], LATENCY: [None, 1]}).plot.pareto()


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(swept().plot.pareto(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second


def test_the_legend_has_only_what_there_is() -> None:
    found = made({"a": ["v", "w"]}, {SLOWDOWN: [0.1, 0.2], LATENCY: [2e6, 1e6]})
    assert legend(require_legible(found.plot.pareto())) == ["no other one is better"]


def test_axes_hold_intervals_unless_points_would_run_into_one_another() -> None:
    limits, values = (0.0, 10.0), np.array([1.0, 9.0])
    assert holding(limits, values, np.array([3.0, 4.0]), logarithmic=False) == (-2.0, 13.0)
    assert holding(limits, values, np.array([1e9, np.nan]), logarithmic=False) == (-10.0, 20.0)
    assert holding(limits, values, None, logarithmic=False) == limits
    assert holding((1.0, 10.0), np.array([2.0]), np.array([28.0]), logarithmic=True) == pytest.approx((1.0, 30.0))
