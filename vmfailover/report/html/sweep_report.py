"""The report of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vmfailover.errors import InputError
from vmfailover.report.figures.metric_axis import in_words
from vmfailover.report.html.page import Page
from vmfailover.report.html.pictures import Figure, drawn
from vmfailover.report.html.study_pages import failed_points, points_table, sweep_page
from vmfailover.scenario.writing import text_of
from vmfailover.studies.sweep import Sweep
from vmfailover.version import version

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Metrics that have figures of their own, with the question that these answer.
_DRAWN = {
    "failover.latency_ns": "Which values make failovers fast?",
    "guest.slowdown": "What do they cost the guest?",
    "loss.work_ns": "How much of its work is lost in a failover?",
}
#: Rows of the table of points, and cells of a map, that a page can do with.
MOST_ROWS, MOST_CELLS = 500, 1000


def sweep_report(found: Sweep) -> Page:
    """Return the whole report of a sweep: figures, points, what went wrong, scenario."""
    pictures, missing = drawn(_figures(found))
    return replace(
        sweep_page(found),
        title=f"{found.scenario.name}: sweep of {', '.join(found.keys)}",
        provenance=_provenance(found),
        pictures=pictures,
        missing=missing,
        tables=[points_table(found, MOST_ROWS), *failed_points(found)],
        scenario=text_of(found.scenario),
    )


def _provenance(found: Sweep) -> list[tuple[str, str]]:
    points, finished = len(found.texts), len(found.frame)
    return [
        ("points", f"{finished:,} of {points:,}" if finished < points else f"{points:,}"),
        ("replications", str(found.replications)),
        ("seed", str(found.scenario.seed)),
        ("vmfailover", version()),
        ("scenario", found.scenario.hash),
    ]


def _figures(found: Sweep) -> Iterator[Figure]:
    """Yield the figures of metrics that any point has: lines over one key, or maps over two."""
    plot = found.plot
    for metric, question in _DRAWN.items():
        if found.frame[metric].isna().all():
            continue
        title = in_words(metric).capitalize()
        if len(found.keys) > 1:
            yield Figure(title, question, partial(_heat_map, found, metric), "heat_map")
        else:
            yield Figure(title, question, partial(plot.line, metric), "line")
    yield Figure("Trade-off", "Which points are such that no other is better in both?", plot.pareto, "pareto")


def _heat_map(found: Sweep, metric: str) -> Axes:
    if len(found.texts) > MOST_CELLS:
        raise InputError(
            f"heat_map: {len(found.texts):,} points are more than the {MOST_CELLS:,} that a page has room for"
        )
    axes: Axes = found.plot.heat_map(metric)
    return axes
