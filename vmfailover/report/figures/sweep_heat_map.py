"""A metric over two keys of a sweep, as a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Patch, Rectangle

from vmfailover.errors import InputError
from vmfailover.report.chance import PARTIAL, drawn_from
from vmfailover.report.figures.canvas import ALARM, DARK, GREY, TEXT, entitle, figure_of, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, go_logarithmic, in_words, is_wide, known_metric
from vmfailover.report.figures.sweep_keys import KeyAxis, require_grid
from vmfailover.studies.sweep import Sweep

#: Inches: of a cell, of what stands around the cells, and of a figure at least.
_CELL_WIDTH, _CELL_HEIGHT, _AROUND_WIDTH, _AROUND_HEIGHT, _LEAST = 1.0, 0.55, 3.2, 2.1, 5.5
#: The brightness, from 0 to 1, below which text on it is white.
_DARK = 0.55
_FAILED = Patch(facecolor="white", edgecolor=DARK, hatch="////", linewidth=0.5, label="could not be run")
_WITHOUT = Patch(facecolor="#dddddd", edgecolor=DARK, linewidth=0.5, label="–: has no value")
_PARTIAL = Patch(facecolor="none", edgecolor="none", label=f"{PARTIAL}: some runs have no value")
_ALIKE = Patch(
    facecolor="white", edgecolor=GREY, hatch="..", linewidth=0.5, label="above the least by chance, or the least"
)
_BROKEN = Patch(facecolor="none", edgecolor=ALARM, linewidth=2.5, label="!: broke an invariant")


@dataclass(frozen=True, slots=True)
class _Cell:
    """One point: where it is, and what came of it."""

    x: int
    y: int
    value: float
    failed: bool
    broken: bool
    #: Whether some of its runs have no value.
    partial: bool
    #: Whether chance explains its difference to the least, or it is the least and there are such.
    alike: bool


def sweep_heat_map(sweep: Sweep, metric: str = "failover.latency_ns") -> Axes:
    """Draw a metric over the two keys of a sweep, a cell a pair of values, and return its axes.

    Points that could not be run are hatched. Those whose difference to the least is not certain, by 95 % confidence
    intervals, are dotted and have no shade; of single runs nothing is known of that. Raises InputError for an unknown
    metric, and unless the sweep is a grid of two keys.
    """
    metric = known_metric(metric)
    require_grid(sweep, 2, "heat_map")
    if len(sweep.keys) < 2:
        raise InputError(f"heat_map: shows two keys, and only {sweep.keys[0]} varies; use .line()")
    across, up = (KeyAxis.of(sweep, key) for key in sweep.keys)
    width = max(_LEAST, _AROUND_WIDTH + _CELL_WIDTH * len(across.texts))
    with new_figure(width, _AROUND_HEIGHT + _CELL_HEIGHT * len(up.texts)) as figure:
        axes = figure.add_subplot()
        _draw(axes, list(_cells(sweep, metric, across, up)), metric)
        axes.set_xticks(range(len(across.texts)), across.labels)
        axes.set_yticks(range(len(up.texts)), up.labels)
        axes.set(xlim=(-0.5, len(across.texts) - 0.5), ylim=(-0.5, len(up.texts) - 0.5))
        tidy(axes, across.key, up.key)
        entitle(figure, f"{sweep.scenario.name}: {in_words(metric)} over two keys ({drawn_from(sweep.replications)})")
    return axes


def _cells(sweep: Sweep, metric: str, across: KeyAxis, up: KeyAxis) -> Iterator[_Cell]:
    values, error, broken = sweep.frame[metric].astype(float), sweep.frame["error"], sweep.frame["broken"]
    partial, alike = sweep.partial(metric), _alike(sweep, metric)
    columns = zip(sweep.texts, values, error != "", broken != "", partial, alike, strict=True)
    for texts, *of_cell in columns:
        place = across.texts.index(texts[across.key]), up.texts.index(texts[up.key])
        yield _Cell(*place, *of_cell)


def _alike(sweep: Sweep, metric: str) -> np.ndarray:
    """Return which points are the least or above it by chance alone, bool[points]; none if that is the least itself."""
    values = np.where(sweep.partial(metric), np.nan, sweep.frame[metric].to_numpy(float, na_value=np.nan))
    none = np.zeros(values.size, np.bool_)
    if sweep.replications == 1 or not np.isfinite(values).any():
        return none
    widths = np.nan_to_num(sweep.frame[f"{metric}.half_width"].to_numpy(float, na_value=np.nan), nan=np.inf)
    least = int(np.nanargmin(values))
    above = (values > values[least]) & (values - widths <= values[least] + widths[least])
    return above | (values == values[least]) if above.any() else none


def _draw(axes: Axes, cells: list[_Cell], metric: str) -> None:
    values = [cell.value for cell in cells if np.isfinite(cell.value)]
    axis = MetricAxis.of(metric, values)
    shades = _shades([value * axis.per_base for value in values])
    for cell in cells:
        _fill(axes, cell, axis, shades)
    if values:
        bar = figure_of(axes).colorbar(shades, ax=axes)
        bar.set_label(axis.label + (", logarithmic" if isinstance(shades.norm, LogNorm) else ""), fontsize=TEXT)
        bar.ax.tick_params(labelsize=TEXT)
        if isinstance(shades.norm, LogNorm):
            go_logarithmic(bar.ax, "y")
    _explain(axes, cells)


def _shades(values: list[float]) -> ScalarMappable:
    """Return the shades of values, the greater the darker."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    norm: Normalize = LogNorm(low, high) if is_wide(values) else Normalize(low, high)
    return ScalarMappable(norm, "Blues")


def _fill(axes: Axes, cell: _Cell, axis: MetricAxis, shades: ScalarMappable) -> None:
    look: dict[str, Any] = {"facecolor": "#dddddd"}
    text, dark = "–", False
    if cell.failed:
        look, text = {"facecolor": "white", "hatch": "////"}, "failed"
    elif np.isfinite(cell.value):
        value = cell.value * axis.per_base
        look = {"facecolor": shades.to_rgba(np.array([value]))[0]}
        text = f"{axis.written(cell.value)}{PARTIAL if cell.partial else ''}"
        dark = not cell.alike and _brightness(look["facecolor"]) < _DARK
    if cell.alike:
        look = {"facecolor": "white", "hatch": "..", "edgecolor": GREY}
    axes.add_patch(Rectangle((cell.x - 0.5, cell.y - 0.5), 1, 1, linewidth=0.5, **{"edgecolor": DARK, **look}))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5} if cell.failed or cell.alike else None
    text, colour = f"{text} !" if cell.broken else text, "white" if dark else DARK
    axes.text(cell.x, cell.y, text, ha="center", va="center", fontsize=TEXT, color=colour, bbox=box)
    if cell.broken:
        axes.add_patch(
            Rectangle((cell.x - 0.46, cell.y - 0.46), 0.92, 0.92, fill=False, edgecolor=ALARM, linewidth=2.5)
        )


def _brightness(colour: np.ndarray) -> float:
    """Return how bright a colour is in grey, from 0 to 1."""
    return float(colour[:3] @ np.array([0.299, 0.587, 0.114]))


def _explain(axes: Axes, cells: list[_Cell]) -> None:
    """Add a legend of what has no shade, where there is such."""
    without = any(not cell.failed and not np.isfinite(cell.value) for cell in cells)
    shown = (
        (_FAILED, any(cell.failed for cell in cells)),
        (_WITHOUT, without),
        (_ALIKE, any(cell.alike for cell in cells)),
        (_BROKEN, any(cell.broken for cell in cells)),
        (_PARTIAL, any(cell.partial and np.isfinite(cell.value) for cell in cells)),
    )
    if handles := [handle for handle, there in shown if there]:
        figure_of(axes).legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8, frameon=False)
