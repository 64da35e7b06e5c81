"""The report of the replications of a scenario."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from vmfailover.report.figures.metric_axis import in_words
from vmfailover.report.html.page import Cell, Page, Table
from vmfailover.report.html.pictures import Figure, drawn
from vmfailover.report.html.study_pages import replications_page
from vmfailover.results.quantities import counted
from vmfailover.scenario.writing import text_of
from vmfailover.studies.replication import Replications
from vmfailover.version import version

#: Metrics that have a figure, with the question that it answers.
_DRAWN = {
    "failover.latency_ns": "How long does a failover take, and how long at worst?",
    "client.blackout_ns": "How long do clients wait across it?",
    "guest.slowdown": "What does protection cost the guest?",
}


def replications_report(found: Replications) -> Page:
    """Return the whole report of replications: distributions, metrics, what went wrong, scenario."""
    pictures, missing = drawn(_figures(found))
    page = replications_page(found)
    return replace(
        page,
        title=f"{found.scenario.name}: {counted(len(found.runs), 'replication')}",
        provenance=[
            *page.provenance,
            ("seed", str(found.scenario.seed)),
            ("vmfailover", version()),
            ("scenario", found.scenario.hash),
        ],
        pictures=pictures,
        missing=missing,
        tables=[*page.tables, *_failures(found)],
        scenario=text_of(found.scenario),
    )


def _figures(found: Replications) -> Iterator[Figure]:
    for metric, question in _DRAWN.items():
        title = f"Distribution of the {in_words(metric)}"
        yield Figure(title, question, partial(found.plot.distribution, metric), "distribution")


def _failures(found: Replications) -> Iterator[Table]:
    """Yield a table of the runs in which something went wrong, if there are any."""
    lines = [(run.seed, line) for run in found.runs for line in (*run.broken, *filter(None, [run.error]))]
    if lines:
        rows = [[Cell(str(seed), seed), Cell(line, line)] for seed, line in lines]
        yield Table("Broken invariants and failed runs", ("seed", "what"), rows)
