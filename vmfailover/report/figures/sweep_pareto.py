"""Two metrics of a sweep against each other: what can be had of the one for how much of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vmfailover.errors import InputError
from vmfailover.report.chance import drawn_from
from vmfailover.report.figures.canvas import ALARM, BLUE, DARK, GREY, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, go_logarithmic, in_words, is_wide, known_metric
from vmfailover.report.figures.sweep_keys import as_written
from vmfailover.studies.sweep import Sweep

#: Inches of the figure, and what share of its width the list of points has beside the axes.
_SIZE, _LIST = (11, 5.5), 0.55
#: Points of the front that are listed.
_LISTED = 24
#: Dots that a label takes, across and up.
_LABEL = (42, 16)
#: Points of text from a point to its label.
_AWAY = 5
_SURVIVORS = "some runs have no value: this is of the others, and not compared"
#: The colour of points that chance may have put behind the front.
_PALE = "#b9d0e6"
#: As wide as a digit.
_FIGURE_SPACE = "\u2007"
#: Points of which the intervals are lines in a page; those of more are one image, which takes less room.
_MOST_LINES = 300


def sweep_pareto(sweep: Sweep, x: str = "guest.slowdown", y: str = "failover.latency_ns") -> Axes:
    """Draw each point of a sweep by two metrics, both better if less, and return the axes.

    Those than which no other is better are joined, numbered, and listed with their keys' values; whiskers are 95 %
    confidence intervals. Points that may be behind others by chance alone are told from those that certainly are, and
    those of which some runs lack a metric from both, being better than none: what happens to have a value is no mean of
    all. The figure of single runs, which cannot tell, says that. Raises InputError for an unknown metric, and if no
    point has both.
    """
    names = known_metric(x), known_metric(y)
    columns = [sweep.frame[name].to_numpy(float, na_value=np.nan) for name in names]
    there = np.flatnonzero(np.isfinite(columns[0]) & np.isfinite(columns[1]))
    if not there.size:
        raise InputError(f"pareto: no point of the sweep has both {names[0]} and {names[1]}")
    across, up = (MetricAxis.of(name, column[there]) for name, column in zip(names, columns, strict=True))
    partial = (sweep.partial(names[0]) | sweep.partial(names[1])).to_numpy()
    whole = there[~partial[there]]
    front = [int(whole[at]) for at in front_of(columns[0][whole], columns[1][whole])]
    with new_figure(*_SIZE) as figure:
        grid = figure.add_gridspec(1, 2, width_ratios=(1, _LIST))
        axes, beside = (figure.add_subplot(grid[column]) for column in range(2))
        behind = _open(sweep, whole, front, (across, up))
        _draw_points(axes, sweep, whole[~np.isin(whole, [*front, *behind])], (across, up))
        _draw_broken(axes, sweep, there, (across, up))
        _draw_partial(axes, sweep, there[partial[there]], (across, up))
        _draw_open(axes, sweep, behind, (across, up))
        _draw_front(axes, sweep, columns[0][front] * across.per_base, columns[1][front] * up.per_base)
        _scale(axes, across, up, columns[0][there], columns[1][there])
        _draw_whiskers(axes, sweep, there, (across, up))
        figure.legend(loc="outside lower left", ncols=4, fontsize=8, frameon=False)
        _list(beside, sweep, front, whole.size, behind.size, there.size - whole.size)
        against = f"{sweep.scenario.name}: {in_words(names[1])} against {in_words(names[0])}, less of both is better"
        entitle(figure, f"{against} ({drawn_from(sweep.replications)})")
        _number(figure, axes, columns[0][front] * across.per_base, columns[1][front] * up.per_base)
    return axes


def front_of(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Return which points no other is better than, in order of `x`: less in one metric and not more in the other."""
    found: list[int] = []
    for at in np.lexsort((y, x)).tolist():
        if not found or y[at] < y[found[-1]] or (x[at], y[at]) == (x[found[-1]], y[found[-1]]):
            found.append(at)
    return found


def certainly_behind(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which points others are better than beyond chance; `low` and `high` are ends of intervals, a row a metric.

    One is better whose intervals are below, or below in one metric and the same number in the other.
    """
    less = high[:, :, None] < low[:, None, :]
    same = (low[:, :, None] == high[:, None, :]) & (high[:, :, None] == low[:, None, :])
    found: np.ndarray = ((less | same).all(axis=0) & less.any(axis=0)).any(axis=0)
    return found


def _draw_points(axes: Axes, sweep: Sweep, rows: np.ndarray, both: tuple[MetricAxis, MetricAxis]) -> None:
    if not rows.size:
        return
    values = [sweep.frame[axis.metric].to_numpy(float)[rows] * axis.per_base for axis in both]
    axes.plot(*values, "o", color="white", markeredgecolor=DARK, markersize=6, label="another one is better")


def _draw_broken(axes: Axes, sweep: Sweep, rows: np.ndarray, both: tuple[MetricAxis, MetricAxis]) -> None:
    broken = rows[(sweep.frame["broken"] != "").to_numpy()[rows]]
    if broken.size:
        across, up = (sweep.frame[axis.metric].to_numpy(float)[broken] * axis.per_base for axis in both)
        axes.plot(across, up, "x", color=ALARM, markersize=11, label="broke an invariant", zorder=5)


def _draw_partial(axes: Axes, sweep: Sweep, rows: np.ndarray, both: tuple[MetricAxis, MetricAxis]) -> None:
    """Mark the points of which some runs have no value, and which are therefore better than no other one."""
    if rows.size:
        across, up = (sweep.frame[axis.metric].to_numpy(float)[rows] * axis.per_base for axis in both)
        axes.plot(across, up, "s", color="white", markeredgecolor=ALARM, markersize=8, label=_SURVIVORS, zorder=4)


def _open(sweep: Sweep, rows: np.ndarray, front: Sequence[int], both: tuple[MetricAxis, MetricAxis]) -> np.ndarray:
    """Return the points that may be behind others by chance; of single runs nothing is known of that."""
    if sweep.replications == 1:
        return rows[:0]
    values = np.array([sweep.frame[axis.metric].to_numpy(float)[rows] for axis in both])
    widths = [sweep.frame[f"{axis.metric}.half_width"].to_numpy(float, na_value=np.nan)[rows] for axis in both]
    unsure = np.nan_to_num(np.array(widths), nan=np.inf)
    found: np.ndarray = rows[~certainly_behind(values - unsure, values + unsure) & ~np.isin(rows, front)]
    return found


def _draw_open(axes: Axes, sweep: Sweep, rows: np.ndarray, both: tuple[MetricAxis, MetricAxis]) -> None:
    if rows.size:
        across, up = (sweep.frame[axis.metric].to_numpy(float)[rows] * axis.per_base for axis in both)
        label = "may be behind by chance alone"
        axes.plot(across, up, "o", color=_PALE, markeredgecolor=DARK, markersize=7, label=label)


def _draw_whiskers(axes: Axes, sweep: Sweep, rows: np.ndarray, both: tuple[MetricAxis, MetricAxis]) -> None:
    """Draw confidence intervals, if any has a width, on axes that hold them while points can be told apart."""
    values = [sweep.frame[axis.metric].to_numpy(float)[rows] * axis.per_base for axis in both]
    columns = [sweep.frame[f"{axis.metric}.half_width"].to_numpy(float, na_value=np.nan)[rows] for axis in both]
    x, y = (
        column * axis.per_base if np.nanmax(np.append(column, 0)) > 0 else None
        for column, axis in zip(columns, both, strict=True)
    )
    if x is None and y is None:
        return
    logarithmic = axes.get_xscale() == "log", axes.get_yscale() == "log"
    axes.set_xlim(holding(axes.get_xlim(), values[0], x, logarithmic=logarithmic[0]))
    axes.set_ylim(holding(axes.get_ylim(), values[1], y, logarithmic=logarithmic[1]))
    axes.errorbar(
        values[0], values[1], xerr=x, yerr=y, linestyle="none", color=GREY, elinewidth=1, zorder=1,
        label="95 % confidence interval", rasterized=rows.size > _MOST_LINES,
    )  # fmt: skip


def holding(
    limits: tuple[float, float], values: np.ndarray, widths: np.ndarray | None, *, logarithmic: bool
) -> tuple[float, float]:
    """Return limits of an axis that hold the intervals of values too, but are at most three times as wide."""
    if widths is None:
        return limits
    known = np.nan_to_num(widths)
    ends = np.concatenate([values - known, values + known, limits])
    if logarithmic:
        low, high = (float(np.log10(limit)) for limit in limits)
        ends = np.log10(ends[ends > 0])
    else:
        low, high = limits
    least, greatest = max(ends.min(), low - (high - low)), min(ends.max(), high + (high - low))
    return (10**least, 10**greatest) if logarithmic else (float(least), float(greatest))


def _draw_front(axes: Axes, sweep: Sweep, x: np.ndarray, y: np.ndarray) -> None:
    if not x.size:
        return
    single = sweep.replications == 1
    axes.step(x, y, where="post", color=BLUE, linewidth=1.5, linestyle="dotted" if single else "solid")
    label = "no other single run is better" if single else "no other one is better"
    axes.plot(x, y, "o", color=BLUE, markeredgecolor=DARK, markersize=8, label=label)


def _scale(axes: Axes, across: MetricAxis, up: MetricAxis, x: np.ndarray, y: np.ndarray) -> None:
    """Let axes have the scale that shows most, and room for labels to the left of points and below them."""
    labels = [axis.label + (", logarithmic" if is_wide(values) else "") for axis, values in ((across, x), (up, y))]
    if is_wide(x):
        go_logarithmic(axes, "x")
    if is_wide(y):
        go_logarithmic(axes, "y")
    axes.margins(0.09)
    tidy(axes, *labels)


def _list(beside: Axes, sweep: Sweep, front: Sequence[int], points: int, behind: int, partial: int) -> None:
    """Write what the numbers stand for."""
    beside.set_axis_off()
    keys = "\n".join(sweep.keys)
    lines = [
        f"{str(number).rjust(2, _FIGURE_SPACE)}  {_values(sweep, row)}" for number, row in enumerate(front[:_LISTED], 1)
    ]
    if len(front) > _LISTED:
        lines.append(f"… and {len(front) - _LISTED} more")
    left_out = len(sweep.frame) - points - partial
    head = (
        f"{len(front)} of {points} points, than which no other\nis better in one and not worse in the other:\n\n{keys}"
    )
    tail = f"\n\n{left_out} points without values are left out" if left_out else ""
    if partial:
        tail += f"\n\n{partial} points lack values in some runs,\nand are not compared"
    if behind:
        tail += f"\n\n{behind} more may be behind them by chance alone"
    beside.text(0, 1, f"{head}\n\n{chr(10).join(lines)}{tail}", va="top", fontsize=8, parse_math=False)


def _values(sweep: Sweep, row: int) -> str:
    return ", ".join(as_written(sweep.texts[row][key]) for key in sweep.keys)


def _number(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Number the points of the front below them, where no point can be; those close together have one label."""
    figure.draw_without_rendering()
    places = axes.transData.transform(np.column_stack([x, y]))
    for first, last in _groups(places):
        text = str(first + 1) if first == last else f"{first + 1}–{last + 1}"
        axes.annotate(
            text, (x[first], y[first]), (-_AWAY, -_AWAY), textcoords="offset points", ha="right", va="top",
            fontsize=8, weight="bold",
        )  # fmt: skip


def _groups(places: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of points so close together that their labels would overlap."""
    first = 0
    for at in range(1, len(places) + 1):
        if at == len(places) or (np.abs(places[at] - places[first]) > _LABEL).any():
            yield first, at - 1
            first = at
