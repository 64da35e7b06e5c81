"""How long did clients wait: before the failure, across it, and after?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.guest.clients import Response
from vmfailover.report.figures.canvas import LINES, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import go_logarithmic
from vmfailover.report.figures.story import MS, Story
from vmfailover.results.quantities import count, counted, duration
from vmfailover.results.run_result import RunResult

_SIZE = (8, 4)


def latency_distribution(result: RunResult) -> Axes:
    """Draw the share of requests that were answered within a time, one line for each phase of the run.

    Raises InputError if no client received a response.
    """
    if not result.responses:
        remedy = "give the scenario clients" if result.scenario.clients is None else "make duration longer"
        raise InputError(f"{result.scenario.name}: no client received a response; {remedy}")
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        for (phase, responses), (colour, dashes) in zip(_phases(result), LINES, strict=False):
            latencies = sorted(response.received_ns - response.sent_ns for response in responses)
            middle, late = (float(np.quantile(latencies, q, method="inverted_cdf")) for q in (0.5, 0.99))
            label = f"{phase}: {count(len(latencies))}\nmedian {duration(middle)}, p99 {duration(late)}"
            axes.ecdf(np.array(latencies) * MS, label=label, color=colour, linestyle=dashes, linewidth=1.8)
        _scale(axes)
        tidy(axes, "response time (ms), logarithmic", "requests answered within it (%)")
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), labelspacing=1)
        entitle(figure, f"{result.scenario.name}: response times that clients saw{_unanswered(result)}")
    return axes


def _unanswered(result: RunResult) -> str:
    return f"; {counted(result.unanswered, 'request')} not answered by the end" if result.unanswered else ""


def _phases(result: RunResult) -> Iterable[tuple[str, list[Response]]]:
    """Yield the phases that have responses, each with them."""
    story, responses = Story(result), result.responses
    if story.down is None:
        yield "all requests", list(responses)
        return
    up = story.instant("takeover")
    phases: dict[str, list[Response]] = {"before the failure": [], "across the failover": [], "after the takeover": []}
    before, across, after = phases.values()
    for each in responses:
        late = up is not None and each.sent_ns * MS >= up
        (after if late else before if each.received_ns * MS < story.down else across).append(each)
    yield from ((phase, found) for phase, found in phases.items() if found)


def _scale(axes: Axes) -> None:
    go_logarithmic(axes, "x")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.99], ["0", "25", "50", "75", "99"])
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
