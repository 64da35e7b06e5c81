"""Studies as pages: their tables, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

from vmfailover.report.chance import SINGLE_DRAWS, drawn_from, of_runs, partial_mark
from vmfailover.report.check_lines import failure_lines, note_lines, overall_notes, vanished_line, verdict_line
from vmfailover.report.comparison_notes import WINNERS
from vmfailover.report.comparison_rows import ROWS, Row
from vmfailover.report.exploration_table import verdict as exploration_verdict
from vmfailover.report.figures.sweep_keys import number_in
from vmfailover.report.html.page import Card, Cell, Page, Table
from vmfailover.report.replication_remarks import replication_remarks
from vmfailover.report.sweep_table import SHOWN, has_any, known_in, remarks, written_mean
from vmfailover.results.quantities import counted
from vmfailover.scenario import Scenario
from vmfailover.scenario.writing import text_of
from vmfailover.studies.comparison import Comparison
from vmfailover.studies.exploration import Exploration
from vmfailover.studies.regression import Check
from vmfailover.studies.replication import Replications
from vmfailover.studies.statistics import Estimate
from vmfailover.studies.sweep import Sweep

#: Rows of a table that a notebook can do with.
MOST_ROWS = 200


def scenario_page(scenario: Scenario) -> Page:
    """Return what a scenario says."""
    return Page(
        title=scenario.name,
        headline=scenario.description,
        sound=True,
        provenance=[("seed", str(scenario.seed)), ("scenario", scenario.hash[:12])],
        cards=(),
        scenario=text_of(scenario),
    )


def comparison_page(comparison: Comparison) -> Page:
    """Return the means of every column, and what cannot be compared."""
    others = "".join(f" {name} is not possible here: {why}" for name, why in comparison.impossible.items())
    return Page(
        title="comparison",
        headline=f"{verdict(comparison.consistent)} {_marks(comparison)}; less is better.{others}",
        sound=comparison.consistent,
        provenance=[("replications", str(comparison.replications)), ("differences to", comparison.baseline)],
        cards=(),
        tables=[means(comparison)],
    )


def _marks(comparison: Comparison) -> str:
    """Say what is marked, or that nothing can be."""
    return f"{SINGLE_DRAWS.capitalize()}" if comparison.replications == 1 else f"* is {WINNERS}"


def means(comparison: Comparison) -> Table:
    """Return a table of the means of every column, less of which is better, with * at the winners."""
    rows = [
        [label(row), *(_mean(comparison, name, row) for name in comparison.names)] for row in known_rows(comparison)
    ]
    kind = "Single runs" if comparison.replications == 1 else "Means"
    return Table(f"{kind}; {_marks(comparison)}, less is better", ("", *comparison.names), rows)


def known_rows(comparison: Comparison) -> list[Row]:
    """Return the rows that any column has a value in."""
    return [row for row in ROWS if any(comparison.statistic(name, row.metric).n for name in comparison.names)]


def _mean(comparison: Comparison, name: str, row: Row) -> Cell:
    found = comparison.statistic(name, row.metric)
    if found.mean is None:
        return Cell("–", "")
    best = " *" if name in comparison.winners(row.metric) else ""
    half_width = f" ±{row.written(found.half_width)}" if found.half_width else ""
    return Cell(f"{row.mean(found, len(comparison.of(name)))}{half_width}{best}", found.mean)


def replications_page(found: Replications) -> Page:
    """Return each metric's mean, median and 99th percentile over the replications."""
    rows = [row for row in ROWS if found.estimate(row.metric).n]
    columns = ("", "mean", "median", "p99 at least", "runs with a value")
    remarks = "".join(f" {remark}." for remark in replication_remarks(found))
    return Page(
        title=found.scenario.name,
        headline=f"{verdict(found.consistent)} Stopped: {found.stop_reason}.{remarks}",
        sound=found.consistent,
        provenance=[
            ("replications", str(len(found.runs))),
            ("protocol", found.scenario.replication.protocol),
        ],
        cards=(),
        tables=[Table("Metrics", columns, [_estimates(found, row) for row in rows])],
    )


def _estimates(found: Replications, row: Row) -> list[Cell]:
    mean, median, tail = (found.estimate(row.metric, name) for name in ("mean", "median", "p99"))
    half_width = f" ±{row.written(mean.half_width)}" if mean.half_width else ""
    mark = partial_mark(mean.n, len(found.runs))
    return [
        label(row),
        Cell(f"{'≥ ' if mean.at_least else ''}{row.written(mean.value)}{mark}{half_width}", mean.value or 0.0),
        Cell(_between(median, row), median.low or 0.0),
        Cell("–" if tail.low is None else row.written(tail.low), tail.low or 0.0),
        Cell(f"{mean.n} of {len(found.runs)}", mean.n),
    ]


def _between(quantile: Estimate, row: Row) -> str:
    if quantile.low is None or quantile.high is None:
        return "–"
    return f"{row.written(quantile.low)} … {row.written(quantile.high)}"


def sweep_page(found: Sweep) -> Page:
    """Return every point, with what matters most of each."""
    shown = f", of which {MOST_ROWS} are shown" if len(found.frame) > MOST_ROWS else ""
    sound = found.consistent and found.failed < max(1, len(found.frame))
    return Page(
        title=found.scenario.name,
        headline=_told(found),
        sound=sound,
        provenance=[("points", f"{len(found.frame)}{shown}"), ("seed", str(found.scenario.seed))],
        cards=(),
        tables=[points_table(found, MOST_ROWS), *failed_points(found)],
    )


def _told(found: Sweep) -> str:
    """Say what came of the points."""
    done, failed = len(found.frame), found.failed
    told = []
    if not found.consistent:
        told.append("AN INVARIANT IS BROKEN.")
    elif failed < done:
        told.append("Every promised invariant holds in every run.")
    if failed:
        told.append(f"{counted(failed, 'point')} could not be run.")
    if found.interrupted:
        told.append(f"INTERRUPTED: {done} of {counted(len(found.texts), 'point')} are done.")
    told.append(f"{drawn_from(found.replications).capitalize()}.")
    return " ".join([*told, *(f"{remark[0].upper()}{remark[1:]}." for remark in remarks(found))])


def points_table(found: Sweep, most: int) -> Table:
    """Return a table of the points, of so many at most."""
    rows = [row for row in ROWS if row.metric in SHOWN and has_any(found, row.metric)]
    points = found.frame.head(most).to_dict("records")
    columns = ("point", *found.keys, *(row.label.strip() for row in rows))
    title = f"Points, the first {most:,} of {len(found.frame):,}" if len(found.frame) > most else "Points"
    return Table(title, columns, [_point(found, rows, point) for point in points])


def failed_points(found: Sweep) -> Iterator[Table]:
    """Yield a table of what went wrong at points, if anything did."""
    columns = found.frame[["point", "error", "broken"]].itertuples(index=False)
    told = [(point, text) for point, *texts in columns for text in texts if text]
    if told:
        rows = [[*_place(found, point), Cell(text, text)] for point, text in told]
        yield Table("Points that could not be run, or broke an invariant", ("point", *found.keys, "why"), rows)


def _point(found: Sweep, rows: list[Row], point: dict[Any, Any]) -> list[Cell]:
    values = [_metric(row, point, found.replications) for row in rows]
    return [*_place(found, point["point"]), *values]


def _place(found: Sweep, point: int) -> list[Cell]:
    """Return the number of a point and the values of its keys."""
    texts = [found.texts[point][key] for key in found.keys]
    return [Cell(str(point), point), *(Cell(text, _sortable(text)) for text in texts)]


def _metric(row: Row, point: dict[Any, Any], runs: int) -> Cell:
    mean, half_width = point[row.metric], point[f"{row.metric}.half_width"]
    interval = "" if _missing(half_width) else f" ±{row.written(half_width)}"
    known = known_in(row, point)
    text = f"{written_mean(row, point)}{partial_mark(known, runs)}{interval}{of_runs(known, runs)}"
    return Cell(text, "" if _missing(mean) else float(mean))


def _sortable(text: str) -> float | str:
    number = number_in(text)
    return text if number is None else number


def _missing(value: Any) -> bool:
    return value is None or isnan(value)


def exploration_page(found: Exploration) -> Page:
    """Return how many runs struck in each phase, and what came of them."""
    counts: dict[tuple[str, str, str], int] = {}
    for each in found.results:
        fault = each.point.faults[-1]
        key = (each.point.phase, f"{fault.kind}: {fault.target}", each.outcome)
        counts[key] = counts.get(key, 0) + 1
    rows = [[*(Cell(text, text) for text in key), Cell(str(number), number)] for key, number in counts.items()]
    return Page(
        title=found.scenario.name,
        headline=f"{exploration_verdict(found)}.",
        sound=not found.violations,
        provenance=[("epochs", str(found.epochs)), ("protocol", found.scenario.replication.protocol)],
        cards=[Card("runs", str(len(found.results))), Card("violations", str(len(found.violations)))],
        tables=[Table("Runs", ("phase", "fault", "outcome", "runs"), rows)],
    )


def check_page(found: Check) -> Page:
    """Return what is wrong with every scenario, and what else there is to know."""
    rows = [
        [Cell(each.name, each.name), Cell(kind, kind), Cell(line, line)]
        for each in found.checked
        for kind, lines in (("failed", failure_lines(each)), ("note", note_lines(each)))
        for line in lines
    ]
    others = [
        *((each.name, "failed", vanished_line(each)) for each in found.vanished),
        *((each.path, "not checked", line) for each in found.refused for line in each.reasons),
        *(("", "note", line) for line in overall_notes(found)),
    ]
    rows += [[Cell(text, text) for text in row] for row in others]
    return Page(
        title="check",
        headline=verdict_line(found),
        sound=found.passed,
        provenance=[("replications", str(max((len(each.runs) for each in found.replications), default=0)))],
        cards=(),
        tables=[Table("Findings", ("scenario", "", "finding"), rows)] if rows else (),
    )


def label(row: Row) -> Cell:
    """Return what a row of a table is about."""
    text = f"{row.group}: {row.label.strip()}"
    return Cell(text, text)


def verdict(sound: bool) -> str:
    """Return whether all is well with the runs of a study."""
    return "Every promised invariant holds in every run." if sound else "AN INVARIANT IS BROKEN, or a run failed."
