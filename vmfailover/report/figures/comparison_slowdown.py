"""What slows the guest down under each column of a comparison."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from vmfailover.report.chance import SINGLE_DRAWS, partial_mark
from vmfailover.report.figures.canvas import DARK, FILLS, TEXT, entitle, new_figure, tidy
from vmfailover.results.quantities import share
from vmfailover.studies.comparison import Comparison

#: Inches: of the width, of a bar, and of what stands above and below the bars.
_WIDTH, _BAR, _AROUND = 9.0, 0.42, 1.6
#: How much farther than the longest bar the axis goes, for what is written beside it.
_ROOM = 1.25
_TOTAL = "guest.slowdown"
_CAUSES = {
    "guest.pause_fraction": "stopped for checkpoints",
    "guest.early_copy_fraction": "stopped to copy lines early",
    "guest.stall_fraction": "stalled by the log and by contention for memory",
    "guest.fault_fraction": "faults and interrupts taken for replication",
}


def comparison_slowdown(comparison: Comparison) -> Axes:
    """Draw the slowdown of the guest in each column, stacked by cause, and return the axes.

    Whiskers are the 95 % confidence intervals of the whole slowdown, as far as they are above zero; its mean is written
    beside them.
    """
    with new_figure(_WIDTH, _AROUND + _BAR * len(comparison.names)) as figure:
        axes = figure.add_subplot()
        _stack(axes, comparison)
        _total(axes, comparison)
        axes.set_yticks(range(len(comparison.names)), comparison.names, fontsize=TEXT)
        axes.invert_yaxis()
        tidy(axes, "slowdown of the guest (%)")
        figure.legend(loc="outside lower left", ncols=2, fontsize=8, frameon=False)
        runs = f"means of {comparison.replications} replications" if comparison.replications > 1 else SINGLE_DRAWS
        entitle(figure, f"what slows the guest down: {runs}")
    return axes


def _stack(axes: Axes, comparison: Comparison) -> None:
    left = np.zeros(len(comparison.names))
    for (metric, label), (colour, hatch) in zip(_CAUSES.items(), FILLS, strict=False):
        means = np.array([(comparison.statistic(name, metric).mean or 0.0) * 100 for name in comparison.names])
        axes.barh(
            range(means.size), means, left=left, height=0.65, label=label, color=colour, hatch=hatch, edgecolor=DARK,
            linewidth=0.5,
        )  # fmt: skip
        left += means


def _total(axes: Axes, comparison: Comparison) -> None:
    """Mark the whole slowdown with its interval, and write it beside what is longer, that or its bar."""
    furthest = axes.dataLim.x1
    for place, name in enumerate(comparison.names):
        found = comparison.statistic(name, _TOTAL)
        mean, width = (found.mean or 0.0) * 100, (found.half_width or 0.0) * 100
        label = "the whole slowdown (95 % confidence interval)" if place == 0 else None
        if found.n:
            axes.errorbar(
                mean, place, xerr=[[min(mean, width)], [width]], marker="D", markersize=5, color=DARK,
                markerfacecolor="white", capsize=3, linestyle="none", label=label,
            )  # fmt: skip
        text = f"{share(found.mean)}{partial_mark(found.n, len(comparison.of(name)))}"
        axes.annotate(text, (mean + width, place), (7, 0), textcoords="offset points", va="center", fontsize=8)
        furthest = max(furthest, mean + width)
    axes.set_xlim(0, furthest * _ROOM)
