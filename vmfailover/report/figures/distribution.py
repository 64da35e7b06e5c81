"""How far chance moves a metric: its distribution over the replications of a scenario."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import ALARM, BLUE, DARK, ORANGE, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, in_words, known_metric
from vmfailover.results.quantities import counted
from vmfailover.studies.replication import Replications
from vmfailover.studies.statistics import Estimate, share_of

#: Inches.
_SIZE = (8, 4.8)
#: Looks of quantiles: marker and colour.
_QUANTILES = {"median": ("o", "white"), "p99": ("D", ORANGE)}


def distribution(found: Replications, metric: str = "failover.latency_ns") -> Axes:
    """Draw in what share of the replications a metric is at most so much, and return the axes.

    The mean, the median and the 99th percentile are marked with their 95 % confidence intervals, as far as there are
    enough runs for them. Raises InputError for an unknown metric, and for one that no run has.
    """
    metric = known_metric(metric)
    values = np.sort(np.array(found.numbers(metric)))
    if not values.size:
        raise InputError(f"distribution: no run has {metric}")
    axis = MetricAxis.of(metric, values)
    with new_figure(*_SIZE) as figure:
        axes = figure.add_subplot()
        axes.ecdf(values * axis.per_base, color=BLUE, linewidth=2)
        _mark_mean(axes, found.estimate(metric), axis)
        for name in _QUANTILES:
            _mark_quantile(axes, found.estimate(metric, name), axis)
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        tidy(axes, axis.label, f"{_whole(found, values.size)} at most this much (%)")
        figure.legend(loc="outside lower left", fontsize=8, frameon=False)
        entitle(figure, _title(found, metric, values.size))
    return axes


def _title(found: Replications, metric: str, known: int) -> str:
    runs = counted(len(found.runs), "replication")
    bounded = sum(not each.exact for each in found.observed(metric))
    parts = {"without a value": len(found.runs) - known, "with a lower bound, shown in its place": bounded}
    of_them = "".join(f", {number} of them {what}" for what, number in parts.items() if number)
    return f"{found.scenario.name}: {in_words(metric)} in {runs}{of_them}"


def _whole(found: Replications, known: int) -> str:
    """Say what the shares are of."""
    return "replications with" if known == len(found.runs) else f"of {known} with a value,"


def _mark_mean(axes: Axes, mean: Estimate, axis: MetricAxis) -> None:
    assert mean.value is not None
    axes.axvline(mean.value * axis.per_base, color=ALARM, linestyle="--", label=_label(mean, axis))
    if mean.low is not None and mean.high is not None:
        axes.axvspan(mean.low * axis.per_base, mean.high * axis.per_base, color=ALARM, alpha=0.15, linewidth=0)


def _mark_quantile(axes: Axes, quantile: Estimate, axis: MetricAxis) -> None:
    """Mark a quantile at its height, with whiskers where both its bounds are known."""
    assert quantile.value is not None
    marker, colour = _QUANTILES[quantile.statistic]
    ends = (quantile.low, quantile.high)
    widths = [[abs(quantile.value - end) * axis.per_base] for end in ends if end is not None]
    axes.errorbar(
        quantile.value * axis.per_base, share_of(quantile.statistic), xerr=widths if len(widths) == 2 else None,
        marker=marker, color=DARK, markerfacecolor=colour, markersize=8, linestyle="none", capsize=4,
        label=_label(quantile, axis), zorder=4,
    )  # fmt: skip


def _label(found: Estimate, axis: MetricAxis) -> str:
    """Return a statistic with its interval in words."""
    assert found.value is not None
    text = f"{found.statistic} {axis.written(found.value)} {axis.unit}"
    if found.low is None or found.high is None:
        return f"{text} (too few runs for an interval)"
    return f"{text} (95 %: {axis.written(found.low)} to {axis.written(found.high)})"
