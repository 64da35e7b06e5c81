"""The replications of a scenario as a table for a terminal."""

from collections.abc import Callable, Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from vmfailover.report.chance import partial_mark
from vmfailover.report.comparison_rows import ROWS
from vmfailover.report.parts import new_table, print_parts
from vmfailover.report.replication_remarks import replication_remarks
from vmfailover.results.quantities import counted
from vmfailover.studies.replication import Replications
from vmfailover.studies.statistics import Estimate

#: Characters of a label.
_LABEL = 15
Written = Callable[[float | None], str]


def print_replications(found: Replications, console: Console) -> None:
    """Print each metric's mean, median and 99th percentile with their intervals, and why there are so many runs."""
    print_parts(_parts(found), console)


def _parts(found: Replications) -> Iterator[RenderableType]:
    title, protocol = found.scenario.name, found.scenario.replication.protocol
    yield Text.assemble((title, "bold"), f" · {counted(len(found.runs), 'replication')} · {protocol}")
    table = new_table()
    table.add_column(no_wrap=True, min_width=_LABEL)
    for column in ("mean", "median", "p99 ≥"):
        table.add_column(column, justify="right", no_wrap=True)
    group = ""
    for row in ROWS:
        mean = found.estimate(row.metric)
        if not mean.n:
            continue
        if row.group != group:
            group = row.group
            table.add_row(Text(group, style="bold"))
        median, tail = (found.estimate(row.metric, name) for name in ("median", "p99"))
        cells = _plus_minus(mean, row.written), _between(median, row.written), _at_least(tail, row.written)
        table.add_row(f"  {row.label}{partial_mark(mean.n, len(found.runs))}", *cells)
    yield table
    yield Text("\n".join(["", *_notes(found)]))


def _plus_minus(mean: Estimate, written: Written) -> str:
    value = f"{'≥ ' if mean.at_least else ''}{written(mean.value)}"
    return value if mean.half_width is None else f"{value} ±{written(mean.half_width)}"


def _between(quantile: Estimate, written: Written) -> str:
    if quantile.low is None or quantile.high is None:
        return "–"
    return f"{written(quantile.low)} … {written(quantile.high)}"


def _at_least(quantile: Estimate, written: Written) -> str:
    return "–" if quantile.low is None else written(quantile.low)


def _notes(found: Replications) -> Iterator[str]:
    yield f"Stopped: {found.stop_reason}."
    yield "The intervals hold the true value with 95 % confidence; – where there are too few runs for one."
    counts = [(row.label.strip(), found.estimate(row.metric).n) for row in ROWS]
    yield from (f"{label}: in {n} of {len(found.runs)} runs" for label, n in counts if 0 < n < len(found.runs))
    yield from replication_remarks(found)
    for run in found.runs:
        yield from (f"seed {run.seed}: BROKEN INVARIANT {line}" for line in run.broken)
        if run.error:
            yield f"seed {run.seed}: the run failed: {run.error}"
    if found.consistent:
        yield "Every promised invariant holds in every run."
