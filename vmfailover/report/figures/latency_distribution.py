"""How long did clients wait: before the outage, across it, and after?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import LINES, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import go_logarithmic
from vmfailover.report.figures.story import MS
from vmfailover.results.client_metrics import requests_by_phase
from vmfailover.results.quantities import counted, percentiles
from vmfailover.results.response_times import ResponseTimes, response_times
from vmfailover.results.run_result import RunResult

_SIZE = (8, 4)
Instants = npt.NDArray[np.int64]


def latency_distribution(result: RunResult) -> Axes:
    """Draw the estimated share of requests that are answered within a time, one line for each phase of the run.

    A line is the Kaplan–Meier estimate of every request that was sent then, answered or not, as in the metrics; one
    that ends open, with an arrow, has requests without an answer. Raises InputError if no client received a response.
    """
    if not result.responses:
        remedy = "give the scenario clients" if result.scenario.clients is None else "make duration longer"
        raise InputError(f"{result.scenario.name}: no client received a response; {remedy}")
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        for (title, name, sent_ns, received_ns), (colour, dashes) in zip(_phases(result), LINES, strict=False):
            label = f"{title}: {counted(sent_ns.size, 'request')}\n{_percentiles(result, name, sent_ns.size)}"
            _draw(axes, response_times(sent_ns, received_ns, result.end_ns), label, colour, dashes)
        _scale(axes)
        tidy(axes, "response time (ms), logarithmic", "requests answered within it (%)")
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), labelspacing=1)
        entitle(figure, f"{result.scenario.name}: response times that clients saw{_unanswered(result)}")
    return axes


def _unanswered(result: RunResult) -> str:
    if not result.unanswered:
        return ""
    return f"; arrows: {counted(result.unanswered, 'request')} not answered by the end"


def _percentiles(result: RunResult, name: str, number: int) -> str:
    return percentiles(result.values, f"client.{name}latency", number=number)


def _phases(result: RunResult) -> Iterable[tuple[str, str, Instants, Instants]]:
    """Yield each phase that has requests: what it is called here and in metrics, when they were sent and answered."""
    found = requests_by_phase(result)
    if result.blackout is None:
        yield "all requests", "", *found[""]
        return
    for phase in ("before", "across", "after"):
        sent_ns, received_ns = found[f"{phase}."]
        if sent_ns.size:
            yield f"{phase} the outage", f"{phase}.", sent_ns, received_ns


def _draw(axes: Axes, times: ResponseTimes, label: str, colour: str, dashes: Any) -> None:
    """Draw a line that rises at each response time, and that has an arrow at its end if some have no answer."""
    places = [*times.times[:1], *times.times]
    answered = [0.0, *(1 - times.waiting)] if places else []
    axes.plot(
        np.array(places) * MS,
        answered,
        drawstyle="steps-post",
        label=label,
        color=colour,
        linestyle=dashes,
        linewidth=1.8,
    )
    if not times.complete and times.longest_ns is not None:
        last = answered[-1] if answered else 0.0
        ends = [places[-1] if places else times.longest_ns, times.longest_ns]
        axes.plot(np.array(ends) * MS, [last, last], color=colour, linestyle=dashes, linewidth=1.8)
        axes.plot([times.longest_ns * MS], [last], ">", color=colour, markersize=7)


def _scale(axes: Axes) -> None:
    go_logarithmic(axes, "x")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.99], ["0", "25", "50", "75", "99"])
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
