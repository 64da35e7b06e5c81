"""Do fitted hot sets modify as much memory as the guest, in windows of every length?"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from vmfailover.report.figures.canvas import LINES, TEXT, entitle, new_figure, tidy
from vmfailover.scenario.units import SIZE
from vmfailover.studies.fit.fit import ACCEPTABLE, Fit

_SIZE = (8, 5.5)


def fit_curves(found: Fit) -> Axes:
    """Draw dirty sets recorded, as lines, and fitted, as marks, a colour a granularity, and the errors below.

    Returns the axes of the dirty sets.
    """
    with new_figure(*_SIZE) as figure:
        axes, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for (granularity, points), (colour, dashes) in zip(found.of_granularity(), LINES, strict=False):
            times, size = [point.window_ns * 1e-9 for point in points], SIZE.format(granularity)
            recorded = [granularity * point.recorded for point in points]
            fitted = [granularity * point.fitted for point in points]
            axes.plot(times, recorded, color=colour, linestyle=dashes, label=f"{size}, recorded")
            axes.plot(times, fitted, "o", color=colour, markersize=5, fillstyle="none", label=f"{size}, fitted")
            errors.plot(times, [100 * point.error for point in points], "o-", color=colour, markersize=3, linewidth=0.8)
        _scale(axes, errors)
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), reverse=True)
        entitle(figure, f"{found.source}: memory modified in a window, in whole units, recorded and fitted")
    return axes  # type: ignore[no-any-return]


def _scale(axes: Axes, errors: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(EngFormatter("B"))
    errors.xaxis.set_major_formatter(EngFormatter("s"))
    for each in (axes, errors):
        each.grid(color="#dddddd", linewidth=0.6)
    most = max(100 * ACCEPTABLE, *map(abs, errors.get_ylim()))
    errors.set_ylim(-1.05 * most, 1.05 * most)
    tidy(axes, y="mean size of the units modified, logarithmic")
    tidy(errors, "length of the window, logarithmic", "error (%)")
