"""What an exploration has covered, and what came of it: a row for what a run had done last before the fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from vmfailover.report.exploration_table import OUTCOMES, verdict
from vmfailover.report.figures.canvas import ALARM, DARK, FILLS, GREY, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis
from vmfailover.results.quantities import counted
from vmfailover.studies.exploration import Exploration, Explored

#: Inches: of what stands left of the panels, of a panel, of a row, of what stands above and below the rows, and of a
#: figure's width at least.
_LEFT, _PANEL, _ROW, _AROUND, _LEAST = 1.6, 1.9, 0.32, 2.1, 8.0
#: Of the legend.
_COLUMNS = 4
#: How much wider than the longest bar a panel is, for what is written beside it.
_ROOM = 1.45
_LOOKS = dict(zip(OUTCOMES, FILLS, strict=False))


@dataclass(frozen=True, slots=True)
class _Row:
    """Runs of one fault after one kind of event."""

    outcomes: Counter[str]
    broken: int


def exploration_coverage(found: Exploration) -> Axes:
    """Draw the runs of each kind of fault by what had happened last before it, and return the first panel's axes.

    Bars are stacked by outcome, and runs that broke an invariant are counted beside them. A last panel has the failover
    latencies, if there are any.
    """
    phases = list(dict.fromkeys(each.point.phase for each in found.results))
    columns = len(found.faults) + bool(found.latencies())
    with new_figure(max(_LEAST, _LEFT + _PANEL * columns), _AROUND + _ROW * len(phases)) as figure:
        panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
        for axes, fault in zip(panels, found.faults, strict=False):
            _draw_fault(axes, [_row(found, fault, phase) for phase in phases], fault)
        _same_width(panels[: len(found.faults)])
        if found.latencies():
            _draw_latencies(panels[-1], [_latencies(found, phase) for phase in phases])
        panels[0].set_yticks(range(len(phases)), phases, fontsize=TEXT)
        panels[0].set_ylim(len(phases) - 0.4, -0.6)
        panels[0].set_ylabel("last event before the fault", fontsize=TEXT)
        _draw_legend(figure, found)
        entitle(figure, _title(found))
    return panels[0]  # type: ignore[no-any-return]


def _title(found: Exploration) -> str:
    struck = f"faults around every event of {counted(found.epochs, 'epoch')}"
    return f"{found.scenario.name}: {counted(len(found.results), 'run')}, {struck}. {verdict(found)}"


def _row(found: Exploration, fault: str, phase: str) -> _Row:
    runs = [each for each in found.results if _struck(each, fault, phase)]
    return _Row(Counter(each.outcome for each in runs), sum(bool(each.violations) for each in runs))


def _struck(each: Explored, fault: str, phase: str) -> bool:
    return each.point.faults[-1].name == fault and each.point.phase == phase


def _latencies(found: Exploration, phase: str) -> list[int]:
    """Return the failover latencies of the runs in which a fault came in a phase, nanoseconds."""
    return [each.latency_ns for each in found.results if each.point.phase == phase and each.latency_ns is not None]


def _draw_fault(axes: Axes, rows: list[_Row], fault: str) -> None:
    left = np.zeros(len(rows))
    for outcome in OUTCOMES:
        counts = np.array([row.outcomes[outcome] for row in rows])
        colour, hatch = _LOOKS[outcome]
        shown = np.flatnonzero(counts)
        axes.barh(
            shown, counts[shown], left=left[shown], height=0.7, color=colour, hatch=hatch, edgecolor=DARK, linewidth=0.5
        )
        left += counts
    for place, row in enumerate(rows):
        _count(axes, place, row)
    axes.set_title(fault, loc="left", fontsize=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    tidy(axes, "runs (number)")


def _count(axes: Axes, place: int, row: _Row) -> None:
    """Write beside a bar how many runs it stands for, or how many of them broke an invariant."""
    text = f"✗ {row.broken} of {row.outcomes.total()}" if row.broken else str(row.outcomes.total() or "–")
    axes.annotate(
        text, (row.outcomes.total(), place), (3, 0), textcoords="offset points", va="center", fontsize=8,
        color=ALARM if row.broken else DARK, weight="bold" if row.broken else "normal",
    )  # fmt: skip


def _same_width(panels: np.ndarray) -> None:
    longest = max(axes.dataLim.x1 for axes in panels)
    for axes in panels:
        axes.set_xlim(0, longest * _ROOM)


def _draw_latencies(axes: Axes, by_phase: list[list[int]]) -> None:
    """Draw the least, the quartiles and the greatest of each row."""
    axis = MetricAxis.of("failover.latency_ns", [value for values in by_phase for value in values])
    places = [place for place, values in enumerate(by_phase) if values]
    axes.boxplot(
        [np.array(by_phase[place]) * axis.per_base for place in places], positions=places, orientation="horizontal",
        widths=0.6, whis=(0, 100), patch_artist=True, manage_ticks=False,
        boxprops={"facecolor": GREY, "linewidth": 0.8}, medianprops={"color": DARK, "linewidth": 2},
    )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_title("failover latency", loc="left", fontsize=TEXT)
    tidy(axes, f"latency ({axis.unit})")


def _draw_legend(figure: Figure, found: Exploration) -> None:
    there = {each.outcome for each in found.results}
    handles: list[Patch | Line2D] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=DARK, linewidth=0.5, label=outcome)
        for outcome, (colour, hatch) in _LOOKS.items()
        if outcome in there
    ]
    if found.violations:
        label = "broke an invariant"
        handles.append(Line2D([], [], color=ALARM, marker="$✗$", linestyle="none", markersize=8, label=label))
    if found.latencies():
        label = "latency of takeovers: least, quartiles, median (thick), greatest"
        handles.append(Patch(facecolor=GREY, edgecolor=DARK, linewidth=0.8, label=label))
    figure.legend(handles=handles, loc="outside lower left", ncols=_COLUMNS, fontsize=8, frameon=False)
