"""The report of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from vmfailover.audit.invariants import Verdict
from vmfailover.records.metric_names import METRICS, bound_name
from vmfailover.report.blackout import blackout_length, blackout_remark
from vmfailover.report.html.page import Card, Cell, Page, Table
from vmfailover.report.html.pictures import Figure, drawn
from vmfailover.report.metric_quantity import quantity
from vmfailover.report.summary import subjects
from vmfailover.results.failovers import moves
from vmfailover.results.outcome import headline
from vmfailover.results.quantities import duration
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.writing import text_of
from vmfailover.version import version

#: Figures of a run in the order of the report: the method that draws it, its name, and the question that it answers.
FIGURES = (
    ("timeline", "Timeline", "What did the hosts, the link and the clients go through?"),
    ("epoch_anatomy", "Epoch anatomy", "What did each checkpoint cost, and how long until it was committed?"),
    ("slowdown", "Slowdown", "What did protection cost the guest, and why?"),
    ("latency_distribution", "Response times", "How long did clients wait before, across and after the failover?"),
    ("link_utilisation", "Link", "How busy was the link, and would a slower one do?"),
    ("log_occupancy", "Address log", "How full was the log, and did it come near the guard band?"),
    ("flagged_rows", "Flagged rows", "Where in the cache were modified lines not logged yet, and when?"),
    ("dirty_set_growth", "Dirty set", "How much is there to send after an interval, tracked in units of each size?"),
)
_BLACKOUT = "client.blackout_ns"
#: Metrics that matter most, with their labels.
_CARDS = (
    ("failover latency", "failover.latency_ns"),
    ("client blackout", _BLACKOUT),
    ("work lost", "loss.work_ns"),
    ("slowdown of the guest", "guest.slowdown"),
    ("response time, p99", "client.latency_p99_ns"),
    ("checkpoint pause, p99", "checkpoint.pause_p99_ns"),
    ("link bandwidth", "replication.bandwidth_bps"),
    ("bytes sent ÷ modified", "replication.amplification"),
)
_PARTS = ("detection", "fencing", "apply", "activation")
#: Rows of a table that a page can do with.
MOST_ROWS = 500


def run_page(result: RunResult) -> Page:
    """Return the whole report of a run: summary, figures, tables, scenario."""
    pictures, missing = drawn(_figures(result))
    return Page(
        title=result.scenario.name,
        headline=headline(result),
        sound=result.consistent,
        provenance=provenance(result),
        cards=cards(result),
        summary=list(subjects(result)),
        pictures=pictures,
        missing=missing,
        tables=[
            *failover_tables(result),
            _metrics(result),
            _invariants(result),
            _records("Epochs", result.epoch_rows),
            _records("Events", result.event_rows),
        ],
        scenario=text_of(result.scenario),
    )


def run_fragment(result: RunResult) -> Page:
    """Return what a notebook shows of a run."""
    return Page(
        title=result.scenario.name,
        headline=headline(result),
        sound=result.consistent,
        provenance=[("seed", str(result.seed)), ("protocol", result.scenario.replication.protocol)],
        cards=cards(result),
    )


def provenance(result: RunResult) -> list[tuple[str, str]]:
    """Return what a run can be told by, and made again from."""
    return [
        ("protocol", result.scenario.replication.protocol),
        ("seed", str(result.seed)),
        ("simulated", duration(result.end_ns)),
        ("vmfailover", version()),
        ("scenario", result.scenario.hash),
    ]


def cards(result: RunResult) -> list[Card]:
    """Return the metrics that matter most and have a value."""
    shown = [(label, metric, _shown(metric, result)) for label, metric in _CARDS]
    return [Card(label, text, _note(result, metric)) for label, metric, text in shown if text]


def _shown(metric: str, result: RunResult) -> str:
    """Return a metric's value, or the lower bound that is known of it; nothing if there is neither."""
    if metric == _BLACKOUT:
        return blackout_length(result)
    values = result.values
    bound = values.get(bound_name(metric))
    if bound is not None:
        return f"≥ {quantity(metric, bound)}"
    return "" if values[metric] is None else quantity(metric, values[metric])


def _note(result: RunResult, metric: str) -> str:
    if metric == _BLACKOUT:
        return blackout_remark(result)
    if metric != "failover.latency_ns":
        return ""
    parts = {part: result.values[f"failover.{part}_ns"] for part in _PARTS}
    return ", ".join(f"{part} {duration(value)}" for part, value in parts.items() if value)


def _figures(result: RunResult) -> Iterator[Figure]:
    for method, title, question in FIGURES:
        yield Figure(title, question, getattr(result.plot, method), result.scenario.name)


def failover_tables(result: RunResult) -> Iterator[Table]:
    """Yield a table of all moves of the VM, if there were any."""
    done = list(moves(result.event_rows))
    if done:
        columns = ("from", "to", "why", "stopped", "detected", "fenced", "image complete", "running", "latency")
        yield Table("Moves of the VM", columns, [_move(asdict(move) | {"latency": move.latency_ns}) for move in done])


def _move(move: dict[str, Any]) -> list[Cell]:
    why = "planned" if move["planned"] else "failure" if move["stopped_ns"] >= 0 else "false alarm"
    instants = ("stopped_ns", "detected_ns", "fenced_ns", "image_complete_ns", "running_ns", "latency")
    return [
        *(Cell(text, text) for text in (move["origin"], move["destination"], why)),
        *(_time(move[n]) for n in instants),
    ]


def _time(value_ns: int) -> Cell:
    return Cell(duration(value_ns) if value_ns >= 0 else "–", value_ns)


def _metrics(result: RunResult) -> Table:
    rows = [
        [
            Cell(name, name),
            Cell(quantity(name, value), "" if value is None else float(value)),
            Cell(METRICS[name], METRICS[name]),
        ]
        for name, value in result.values.items()
    ]
    return Table("Metrics", ("metric", "value", "meaning"), rows, folded=True)


def _invariants(result: RunResult) -> Table:
    rows = []
    for verdict in result.verdicts:
        texts = (verdict.name.replace("_", " "), _judgement(verdict), verdict.detail)
        rows.append([Cell(text, text) for text in texts])
    return Table("Invariants", ("invariant", "verdict", "detail"), rows)


def _judgement(verdict: Verdict) -> str:
    if verdict.waived:
        return "waived, and kept" if verdict.holds else "waived, and not kept"
    return "holds" if verdict.holds else "IS BROKEN"


def _records(title: str, records: Sequence[Any]) -> Table:
    """Return records as they are, times in nanoseconds; the first of them, if there are very many."""
    if not records:
        return Table(title, (), (), folded=True)
    columns = tuple(asdict(records[0]))
    rows = [[_plain(getattr(record, name)) for name in columns] for record in records[:MOST_ROWS]]
    shown = f"the first {MOST_ROWS:,} of {len(records):,}" if len(records) > MOST_ROWS else f"{len(records):,}"
    return Table(f"{title} ({shown})", columns, rows, folded=True)


def _plain(value: Any) -> Cell:
    if isinstance(value, int) and not isinstance(value, bool):
        return Cell(str(value), value)
    return Cell(str(value), str(value))
