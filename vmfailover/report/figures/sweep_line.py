"""A metric over one key of a sweep, a line a value of another one."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from vmfailover.errors import InputError
from vmfailover.report.chance import SURVIVORS, drawn_from
from vmfailover.report.figures.canvas import DARK, LINES, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, go_logarithmic, in_words, is_wide, known_metric
from vmfailover.report.figures.sweep_keys import KeyAxis, as_written, require_grid
from vmfailover.studies.sweep import Sweep

#: Inches.
_SIZE = (8, 4.5)
_MARKERS = "osD^vP"
#: Most ticks on the axis of the key; of more values, some have none.
_TICKS = 8
#: Characters that fit along the axis of the key.
_CHARACTERS = 75


def sweep_line(sweep: Sweep, metric: str = "failover.latency_ns", by: str | None = None) -> Axes:
    """Draw a metric over the first key of a sweep, 95 % confidence intervals as whiskers, and return its axes.

    There is a line for each value of `by`, which is the other key if there is one; points over a key whose values are
    no numbers are not joined, and those of which some runs have no value are hollow. Points that could not be run are
    named above the axes. Raises InputError for an unknown
    metric or key, unless the sweep is a grid of at most two keys, for more lines than can be told apart, and if no
    point has the metric.
    """
    metric = known_metric(metric)
    require_grid(sweep, 2, "line")
    along, lines = _roles(sweep, by)
    values = sweep.frame[metric].astype(float)
    if values.isna().all():
        raise InputError(f"line: no point of the sweep has {metric}")
    axis = MetricAxis.of(metric, values)
    with new_figure(*_SIZE) as figure:
        axes = figure.add_subplot()
        for number, text in enumerate(lines.texts if lines else [None]):
            chosen = [lines is None or point[lines.key] == text for point in sweep.texts]
            _draw(axes, sweep, np.flatnonzero(chosen), along, axis, number, as_written(text) if text else None)
        _scale(axes, sweep, along, axis)
        hollow = f"; hollow: {SURVIVORS}" if sweep.partial(metric).any() else ""
        runs = f"{drawn_from(sweep.replications)}{hollow}"
        entitle(figure, f"{sweep.scenario.name}: {in_words(metric)} over {along.key} ({runs})")
        if lines:
            figure.legend(title=lines.key, loc="outside right upper", fontsize=8, title_fontsize=8, frameon=False)
    return axes


def _roles(sweep: Sweep, by: str | None) -> tuple[KeyAxis, KeyAxis | None]:
    """Return the key along the axis, and the one whose values have a line each."""
    if by is not None and (by not in sweep.keys or len(sweep.keys) == 1):
        raise InputError(f"line: by={by!r} is not a second key of the sweep; it varies {', '.join(sweep.keys)}")
    key = by or (sweep.keys[1] if len(sweep.keys) > 1 else None)
    along = KeyAxis.of(sweep, next(each for each in sweep.keys if each != key))
    lines = KeyAxis.of(sweep, key) if key else None
    if lines and len(lines.texts) > len(LINES):
        raise InputError(
            f"line: {len(lines.texts)} values of {lines.key} are more than the {len(LINES)} lines that can be told "
            f"apart; use .heat_map(), or by={along.key!r}"
        )
    return along, lines


def _draw(
    axes: Axes, sweep: Sweep, rows: np.ndarray, along: KeyAxis, axis: MetricAxis, number: int, label: str | None
) -> None:
    """Draw one line through the points of some rows, and what could not be run below it."""
    places = np.array([along.places[along.texts.index(sweep.texts[row][along.key])] for row in rows])
    order = np.argsort(places, kind="stable")
    rows, places = rows[order], places[order]
    values = sweep.frame[axis.metric].to_numpy(float, na_value=np.nan)[rows] * axis.per_base
    widths = _half_widths(sweep, axis)[rows]
    colour, dashes = LINES[number]
    axes.errorbar(
        places, values, widths if np.isfinite(widths).any() else None, label=label, color=colour, capsize=3,
        elinewidth=1, linestyle=dashes if along.numbers else "none", marker=_MARKERS[number], markersize=5,
    )  # fmt: skip
    partial = sweep.partial(axis.metric).to_numpy()[rows]
    axes.plot(
        places[partial], values[partial], _MARKERS[number], color="white", markeredgecolor=colour, markersize=6,
        zorder=4,
    )  # fmt: skip
    failed = places[(sweep.frame["error"] != "").to_numpy()[rows]]
    _mark_failed(axes, failed, number, label)


def _half_widths(sweep: Sweep, axis: MetricAxis) -> np.ndarray:
    column = f"{axis.metric}.half_width"
    if column not in sweep.frame:
        return np.full(len(sweep.frame), np.nan)
    return sweep.frame[column].to_numpy(float, na_value=np.nan) * axis.per_base


def _mark_failed(axes: Axes, places: np.ndarray, number: int, label: str | None) -> None:
    """Mark points that could not be run above the axes, those of the next line above those of this one."""
    if label and places.size:
        heights = np.full(places.size, 1.03 + 0.03 * number)
        axes.plot(
            places, heights, "x", color=LINES[number][0], markersize=5, clip_on=False, label=f"{label} failed",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
        return
    for place in places:
        axes.annotate(
            "failed", (place, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
            fontsize=8, color=DARK,
        )  # fmt: skip


def _scale(axes: Axes, sweep: Sweep, along: KeyAxis, axis: MetricAxis) -> None:
    values = sweep.frame[axis.metric].astype(float).dropna() * axis.per_base
    label, key = axis.label, along.key
    if is_wide(values):
        go_logarithmic(axes, "y")
        label += ", logarithmic"
    else:
        axes.set_ylim(bottom=min(0.0, values.min()))
    if along.logarithmic:
        axes.set_xscale("log")
        key += " (logarithmic)"
    _label_values(axes, along)
    tidy(axes, key, label)


def _label_values(axes: Axes, along: KeyAxis) -> None:
    every = -(-len(along.texts) // _TICKS)
    labels = along.labels[::every]
    wrapped = [textwrap.fill(label, _CHARACTERS // len(labels), break_long_words=False) for label in labels]
    axes.set_xticks(along.places[::every], wrapped, fontsize=TEXT)
    axes.xaxis.set_minor_locator(NullLocator())
