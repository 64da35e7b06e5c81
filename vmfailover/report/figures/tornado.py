"""Which keys move a metric, the one that moves it most on top."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from vmfailover.report.figures.canvas import BLUE, DARK, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, in_words
from vmfailover.report.sensitivity_table import cut_off
from vmfailover.results.quantities import counted
from vmfailover.studies.sensitivity import Sensitivity

#: Inches: of the width, of a bar, and of what stands above and below the bars.
_WIDTH, _BAR, _AROUND = 9.0, 0.45, 2.2
_BARS = {
    "morris": "how much the metric changes, on average, if the key goes two thirds of its range",
    "sobol": "share of the metric's variance in which the key has a part, alone or together with others",
}
_MARKS = {
    "morris": "how much that change differs from place to place: great where keys act together or out of proportion",
    "sobol": "share of the metric's variance by the key alone",
}
_UNCERTAIN = "the same, but no more than chance explains"
_METHODS = {"morris": "Morris", "sobol": "Sobol"}


def tornado(found: Sensitivity) -> Axes:
    """Draw how much each key moves the metric, with 95 % confidence intervals, and return the axes.

    Effects that chance may explain are lighter and hatched. Marks say what a key does alone (Sobol) or how its effect
    varies (Morris).
    """
    with new_figure(_WIDTH, _AROUND + _BAR * len(found.effects)) as figure:
        axes = figure.add_subplot()
        label, per_base = _axis(found)
        _draw(axes, found, per_base)
        axes.set_yticks(range(len(found.effects)), [effect.key for effect in found.effects], fontsize=TEXT)
        axes.invert_yaxis()
        tidy(axes, label)
        marks, *bars = axes.get_legend_handles_labels()[0]
        figure.legend(handles=[*bars, marks], loc="outside lower left", fontsize=8, frameon=False)
        what = f"what moves the {found.objective.statistic} of {in_words(found.objective.metric)}"
        runs = f"{counted(len(found.runs), 'run')}{cut_off(found)}, {_METHODS[found.method]}"
        entitle(figure, f"{found.scenario.name}: {what} ({runs})")
    return axes


def _axis(found: Sensitivity) -> tuple[str, float]:
    """Return the label of the axis, and how many of its units one of the effects has."""
    if found.method == "sobol":
        return "share of the variance (%)", 100.0
    metric = found.objective.metric
    axis = MetricAxis.of(metric, [max(effect.total, effect.alone) for effect in found.effects])
    unit = "percentage points" if axis.unit == "%" else axis.unit
    return f"change of {axis.name} ({unit})", axis.per_base


def _draw(axes: Axes, found: Sensitivity, per_base: float) -> None:
    for certain in (True, False):
        places = [at for at, effect in enumerate(found.effects) if effect.certain() == certain]
        if places:
            _draw_bars(axes, found, places, per_base, certain)
    marks = [effect.alone * per_base for effect in found.effects]
    axes.plot(
        marks, range(len(marks)), "D", color="white", markeredgecolor=DARK, markersize=7, label=_MARKS[found.method],
        zorder=4, clip_on=False,
    )  # fmt: skip


def _draw_bars(axes: Axes, found: Sensitivity, places: list[int], per_base: float, certain: bool) -> None:
    totals = np.array([found.effects[at].total for at in places]) * per_base
    widths = np.array([found.effects[at].total_half_width for at in places]) * per_base
    colour, hatch = (BLUE, "") if certain else ("#e6e9ee", "////")
    label = _BARS[found.method] if certain else _UNCERTAIN
    axes.barh(
        places, totals, xerr=widths, height=0.6, color=colour, hatch=hatch, edgecolor=DARK, linewidth=0.5,
        label=f"{label} (whiskers: 95 % confidence)", error_kw={"elinewidth": 1, "capsize": 3},
    )  # fmt: skip
