"""What there is to say of a comparison beside its numbers."""

from collections.abc import Iterator

from vmfailover.report.chance import PARTIAL_MEANS
from vmfailover.report.comparison_rows import ROWS
from vmfailover.studies.comparison import Comparison
from vmfailover.studies.runs import end_remark

#: Values of which a 99th percentile is more than the greatest of them.
LEAST_OF_A_P99 = 100
#: What marks a number.
WINNERS = "the lowest of its row, and all that may be behind it by chance"


def interruption(comparison: Comparison) -> str:
    """Return how far an interrupted comparison has come; nothing if it was not interrupted."""
    if not comparison.interrupted:
        return ""
    made = ", ".join(f"{len(comparison.of(name))} of {name}" for name in comparison.names)
    return f"INTERRUPTED: of {comparison.replications} replications there are {made}"


def notes(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what a reader has to know, each line once with the names of the columns that it is about."""
    if any(comparison.is_partial(name, row.metric) for name in comparison.names for row in ROWS):
        yield "all", f"{PARTIAL_MEANS}, and it wins nothing"
    columns: dict[str, list[str]] = {}
    for name in comparison.names:
        for line in remarks(comparison, name):
            columns.setdefault(line, []).append(name)
    for line, names in columns.items():
        yield "all" if len(names) == len(comparison.names) > 1 else ", ".join(names), line
    yield from ((name, f"not possible here: {why}") for name, why in comparison.impossible.items())


def failures(comparison: Comparison, name: str) -> Iterator[str]:
    """Yield what went wrong in the runs of a column."""
    runs = comparison.of(name)
    yield from (f"BROKEN INVARIANT {line}" for run in runs for line in run.broken)
    yield from (f"a run failed: {run.error}" for run in runs if run.error)


def remarks(comparison: Comparison, name: str) -> Iterator[str]:
    """Yield what a reader has to know of a column's numbers."""
    runs, met = comparison.of(name), comparison.statistic(name, "failover.latency_ns").n
    if 0 < met < len(runs):
        yield f"failover latency of {met} of {len(runs)} replications; the others ended otherwise"
    requests = comparison.statistic(name, "client.requests")
    if requests.mean is not None and requests.mean < LEAST_OF_A_P99:
        yield f"client p99 of fewer than {LEAST_OF_A_P99} requests a run: it is the greatest time, or near to it"
    if comparison.replications > 1 and (remark := end_remark(comparison.scenarios[name])):
        yield remark
    yield from comparison.remarks(name)
