"""A comparison as a picture: bars of what matters most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes

from vmfailover.report.figures.canvas import FILLS, entitle, new_figure, save, tidy
from vmfailover.studies.comparison import Comparison

#: Inches: of the whole width, of a bar, and of what stands above and below the bars of both rows of panels.
_WIDTH, _BAR, _AROUND = 13.0, 0.3, 1.9
#: Times as long as the shortest bar from which on a logarithmic scale shows more.
_WIDE = 30


@dataclass(frozen=True, slots=True)
class Panel:
    """One question: the metrics that answer it, stacked, each with its label, and the unit they are shown in."""

    title: str
    unit: str
    scale: float
    metrics: tuple[tuple[str, str], ...]


_PANELS = (
    Panel("failover latency", "ms", 1e-6, (("failover.latency_ns", ""),)),
    Panel("work lost", "ms", 1e-6, (("loss.work_ns", ""),)),
    Panel(
        "slowdown of the guest",
        "%",
        100,
        (
            ("guest.pause_fraction", "pauses"),
            ("guest.stall_fraction", "stalls"),
            ("guest.fault_fraction", "faults"),
        ),
    ),
    Panel("client response time, p99", "ms", 1e-6, (("client.latency_p99_ns", ""),)),
    Panel("link bandwidth", "Gbit/s", 1e-9, (("replication.bandwidth_bps", ""),)),
    Panel("bytes shipped ÷ bytes modified", "×", 1, (("replication.amplification", ""),)),
)


def comparison_bars(comparison: Comparison) -> Axes:
    """Draw a comparison, 95 % confidence intervals as whiskers, and return the first panel's axes."""
    with new_figure(_WIDTH, 2 * (_AROUND + _BAR * len(comparison.names))) as figure:
        panels = figure.subplots(2, 3, sharey=True).ravel()
        for axes, panel in zip(panels, _PANELS, strict=True):
            _draw(axes, comparison, panel)
        panels[0].invert_yaxis()
        n = comparison.replications
        runs = "one run each" if n == 1 else f"means of {n} replications, whiskers: 95 % confidence intervals"
        ended = ", interrupted" if comparison.interrupted else ""
        entitle(figure, f"{_title(comparison)}: {runs}{ended}")
    return cast(Axes, panels[0])


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write the bars as a PNG file; the same comparison gives the same bytes."""
    save(comparison_bars(comparison), path)


def _title(comparison: Comparison) -> str:
    names = {scenario.name for scenario in comparison.scenarios.values()}
    return names.pop() if len(names) == 1 else "comparison"


def _draw(axes: Axes, comparison: Comparison, panel: Panel) -> None:
    places = np.arange(len(comparison.names))
    left = np.zeros(places.size)
    for (metric, label), (colour, hatch) in zip(panel.metrics, FILLS, strict=False):
        means, widths = _bars(comparison, metric, panel.scale)
        axes.barh(
            places, means, left=left, xerr=widths, height=0.65, label=label or None,
            color=colour, hatch=hatch, edgecolor="#333333", linewidth=0.5, error_kw={"elinewidth": 1, "capsize": 2},
        )  # fmt: skip
        left += means
    missing = {
        place
        for place in range(places.size)
        if comparison.statistic(comparison.names[place], panel.metrics[0][0]).n == 0
    }
    for place in missing:
        _annotate(axes, place, "–")
    if len(panel.metrics) == 1 and _spread(left) > _WIDE:
        _go_logarithmic(axes, left, missing)
    axes.set_yticks(places, comparison.names, fontsize=9)
    axes.set_title(panel.title, loc="left", fontsize=10)
    tidy(axes, panel.unit + (", logarithmic" if axes.get_xscale() == "log" else ""))
    if len(panel.metrics) > 1:
        axes.legend(fontsize=8, frameon=False)


def _bars(comparison: Comparison, metric: str, scale: float) -> tuple[np.ndarray, np.ndarray]:
    found = [comparison.statistic(name, metric) for name in comparison.names]
    means = np.array([(each.mean or 0.0) * scale for each in found])
    widths = np.array([(each.half_width or 0.0) * scale for each in found])
    return means, widths


def _go_logarithmic(axes: Axes, values: np.ndarray, missing: set[int]) -> None:
    """Show values on a logarithmic scale, on which nothing has no place of its own."""
    axes.set_xscale("log")
    axes.set_xlim(values[values > 0].min() / 3, values.max() * 2)
    for place in set(np.flatnonzero(values == 0).tolist()) - missing:
        _annotate(axes, place, "0")


def _annotate(axes: Axes, place: int, text: str) -> None:
    axes.annotate(
        text,
        (0, place),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )


def _spread(values: Sequence[float] | np.ndarray) -> float:
    shown = [value for value in values if value > 0]
    return max(shown) / min(shown) if shown else 1.0
