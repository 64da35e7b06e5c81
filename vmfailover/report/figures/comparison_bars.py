"""A comparison as a picture: bars of what matters most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes

from vmfailover.report.chance import PARTIAL, PARTIAL_MEANS, SINGLE_DRAWS
from vmfailover.report.figures.canvas import DARK, FILLS, TEXT, entitle, new_figure, save, tidy
from vmfailover.report.figures.metric_axis import go_logarithmic, is_wide
from vmfailover.studies.comparison import Comparison

#: Inches: of the whole width, of a bar, and of what stands above and below the bars of both rows of panels.
_WIDTH, _BAR, _AROUND = 13.0, 0.3, 1.9
#: What the mark of a lower bound says.
_AT_LEAST = "≥: at least, as the run ended before"


@dataclass(frozen=True, slots=True)
class Panel:
    """One question: the metric that answers it, the unit it is shown in, and its parts with their labels, if any."""

    title: str
    unit: str
    scale: float
    metric: str
    parts: tuple[tuple[str, str], ...] = ()


_PANELS = (
    Panel("failover latency", "ms", 1e-6, "failover.latency_ns"),
    Panel("work lost", "ms", 1e-6, "loss.work_ns"),
    Panel(
        "slowdown of the guest",
        "%",
        100,
        "guest.slowdown",
        (
            ("guest.pause_fraction", "pauses"),
            ("guest.early_copy_fraction", "early copies"),
            ("guest.stall_fraction", "stalls"),
            ("guest.fault_fraction", "faults"),
        ),
    ),
    Panel("client response time, median", "ms", 1e-6, "client.latency_p50_ns"),
    Panel("link bandwidth", "Gbit/s", 1e-9, "replication.bandwidth_bps"),
    Panel("bytes shipped ÷ bytes modified", "×", 1, "replication.amplification"),
)


def comparison_bars(comparison: Comparison) -> Axes:
    """Draw a comparison, 95 % confidence intervals as whiskers, and return the first panel's axes."""
    with new_figure(_WIDTH, 2 * (_AROUND + _BAR * len(comparison.names))) as figure:
        panels = figure.subplots(2, 3, sharey=True).ravel()
        for axes, panel in zip(panels, _PANELS, strict=True):
            _draw(axes, comparison, panel)
        panels[0].invert_yaxis()
        n = comparison.replications
        runs = SINGLE_DRAWS if n == 1 else f"means of {n} replications, whiskers: 95 % confidence intervals"
        ended = ", interrupted" if comparison.interrupted else ""
        partial = f"; {PARTIAL_MEANS}" if any(_is_partial(comparison, panel) for panel in _PANELS) else ""
        bounds = f"; {_AT_LEAST}" if any(_is_bound(comparison, panel) for panel in _PANELS) else ""
        entitle(figure, f"{_title(comparison)}: {runs}{ended}{bounds}{partial}")
    return cast(Axes, panels[0])


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the bars as a PNG file; the same comparison gives the same bytes."""
    save(comparison_bars(comparison), path)


def _title(comparison: Comparison) -> str:
    names = {scenario.name for scenario in comparison.scenarios.values()}
    return names.pop() if len(names) == 1 else "comparison"


def _draw(axes: Axes, comparison: Comparison, panel: Panel) -> None:
    longest = _stack(axes, comparison, panel)
    missing = _intervals(axes, comparison, panel)
    if not panel.parts and is_wide(longest[longest > 0]):
        _go_logarithmic(axes, longest)
    else:
        axes.set_xlim(left=0)
    for place, length in enumerate(longest):
        if place in missing or not length:
            _annotate(axes, place, "–" if place in missing else "0")
    _mark_cut_whiskers(axes, comparison, panel)
    _mark_ends(axes, comparison, panel, longest)
    axes.set_yticks(range(len(comparison.names)), comparison.names, fontsize=TEXT)
    axes.set_title(panel.title, loc="left", fontsize=10)
    tidy(axes, panel.unit + (", logarithmic" if axes.get_xscale() == "log" else ""))
    if panel.parts:
        axes.legend(fontsize=8, frameon=False)


def _stack(axes: Axes, comparison: Comparison, panel: Panel) -> np.ndarray:
    """Draw a bar a column, of the parts if there are any, and return how long they are."""
    left = np.zeros(len(comparison.names))
    for (metric, label), (colour, hatch) in zip(panel.parts or ((panel.metric, ""),), FILLS, strict=False):
        means = np.array([(comparison.statistic(name, metric).mean or 0.0) * panel.scale for name in comparison.names])
        axes.barh(
            range(means.size), means, left=left, height=0.65, label=label or None, color=colour, hatch=hatch,
            edgecolor=DARK, linewidth=0.5,
        )  # fmt: skip
        left += means
    return left


def _intervals(axes: Axes, comparison: Comparison, panel: Panel) -> set[int]:
    """Draw the interval of each column's metric, which is never below zero; return the columns that have no mean."""
    missing = set()
    for place, name in enumerate(comparison.names):
        found = comparison.statistic(name, panel.metric)
        if found.mean is None:
            missing.add(place)
        elif found.half_width:
            mean, width = found.mean * panel.scale, found.half_width * panel.scale
            below = [[min(mean, width)], [width]]
            axes.errorbar(mean, place, xerr=below, color=DARK, elinewidth=1, capsize=2, linestyle="none")
    return missing


def _is_bound(comparison: Comparison, panel: Panel) -> bool:
    """Whether a bar is a lower bound, since runs were cut off."""
    return any(comparison.statistic(name, panel.metric).at_least for name in comparison.names)


def _is_partial(comparison: Comparison, panel: Panel) -> bool:
    """Whether some runs have no part in a bar."""
    return any(comparison.is_partial(name, panel.metric) for name in comparison.names)


def _mark_ends(axes: Axes, comparison: Comparison, panel: Panel, longest: np.ndarray) -> None:
    """Mark bars that are lower bounds, since runs were cut off, and those of which some runs have no part."""
    for place, name in enumerate(comparison.names):
        found = comparison.statistic(name, panel.metric)
        texts = ["≥ →"] if found.at_least else []
        if comparison.is_partial(name, panel.metric):
            texts.append(f"{PARTIAL} {found.n} of {len(comparison.of(name))}")
        end = longest[place] + (found.half_width or 0.0) * panel.scale
        if texts:
            text = " ".join(texts)
            axes.annotate(text, (end, place), (4, 0), textcoords="offset points", va="center", fontsize=TEXT)


def _mark_cut_whiskers(axes: Axes, comparison: Comparison, panel: Panel) -> None:
    """Put an arrow where an interval goes on to the left of what a logarithmic axis shows."""
    low = axes.get_xlim()[0]
    for place, name in enumerate(comparison.names):
        found = comparison.statistic(name, panel.metric)
        if low > 0 and found.mean and found.half_width and (found.mean - found.half_width) * panel.scale < low:
            axes.plot([low], [place], "<", color=DARK, markersize=6, clip_on=False, zorder=5)


def _go_logarithmic(axes: Axes, values: np.ndarray) -> None:
    """Show values on a logarithmic scale, on which nothing has no place of its own."""
    axes.set_xlim(values[values > 0].min() / 3, values.max() * 2)
    go_logarithmic(axes, "x")


def _annotate(axes: Axes, place: int, text: str) -> None:
    axes.annotate(
        text,
        (0, place),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=TEXT,
    )
