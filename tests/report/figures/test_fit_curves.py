"""Dirty sets of fitted hot sets, beside those of the guest."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from vmfailover.studies.fit.fit import Fit, Point

from ..legibility import bytes_of, require_legible

WINDOWS = [1000 << k for k in range(10)]


def made(error: float = 0.02, *, source: str = "redis-set.parquet") -> Fit:
    """A fit of three granularities with errors of this size."""
    points = tuple(
        Point.of(size, stores, stores * 1.6, stores**0.6 * 80 / size**0.3, stores**0.6 * 80 / size**0.3 * (1 + error))
        for size in (64, 128, 4096)
        for stores in WINDOWS
    )
    return Fit(source, {"sets": [{}]}, points)


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """The points of each line and each row of marks."""
    return {
        str(line.get_label()): list(zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True))
        for line in axes.get_lines()
    }


def test_curves_are_where_they_belong() -> None:
    found = made()
    axes = found.plot.curves()
    figure = require_legible(axes)
    drawn = lines(axes)
    assert set(drawn) == {f"{size}, {kind}" for size in ("64 B", "128 B", "4 KiB") for kind in ("recorded", "fitted")}
    first = next(point for point in found.points if point.granularity == 4096)
    assert drawn["4 KiB, recorded"][0] == pytest.approx((first.window_ns * 1e-9, 4096 * first.recorded))
    assert drawn["4 KiB, fitted"][0] == pytest.approx((first.window_ns * 1e-9, 4096 * first.fitted))
    errors = figure.axes[1]
    assert {y for line in errors.get_lines() for y in np.round(np.asarray(line.get_ydata()), 6)} == {2.0}


@pytest.mark.parametrize("error", [0.0, -0.4, 3.0])
def test_all_errors_are_seen(error: float) -> None:
    figure = require_legible(made(error).plot.curves())
    low, high = figure.axes[1].get_ylim()
    assert low < 100 * error < high
    assert (low, high) == pytest.approx((-high, high))


def test_a_single_rate_can_be_read() -> None:
    single = Fit("dirty rates", {"sets": [{}]}, (Point.of(4096, None, 1e7, 195.3, 195.3),))
    require_legible(single.plot.curves())


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(made().plot.curves(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second


def test_a_notebook_shows_the_table() -> None:
    shown = made()._repr_html_()
    assert "1 hot set fitted to redis-set.parquet" in shown
    assert "+2.0" in shown
