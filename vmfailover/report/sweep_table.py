"""A sweep as a table for a terminal."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from vmfailover.records.metric_names import bound_name
from vmfailover.report.chance import PARTIAL_MEANS, drawn_from, partial_mark
from vmfailover.report.comparison_rows import ROWS, Row
from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import counted
from vmfailover.studies.averages import count_name
from vmfailover.studies.sweep import Sweep

#: The metrics of a point, in order, with the heads of their columns.
SHOWN = {
    "failover.latency_ns": "failover\nlatency",
    "guest.slowdown": "guest\nslowdown",
    "loss.work_ns": "work\nlost",
    "client.latency_p99_ns": "response\ntime p99",
    "replication.bandwidth_bps": "link\nbandwidth",
    "client.blackout_ns": "client\nblackout",
}
#: Characters of a column, with a space.
_COLUMN = 13
#: Points after which a table is cut off.
MOST = 40


def print_sweep(found: Sweep, console: Console) -> None:
    """Print the points with what matters most of each."""
    print_parts(_parts(found, console.width), console)


def _parts(found: Sweep, width: int) -> Iterator[RenderableType]:
    by_metric = {row.metric: row for row in ROWS}
    known = [by_metric[metric] for metric in SHOWN if has_any(found, metric)]
    rows = known[: max(1, width // _COLUMN - len(found.keys))]
    table = new_table()
    table.add_column("#", justify="right", no_wrap=True)
    for key in found.keys:
        table.add_column(
            key.rpartition(".")[2].replace("_", "\n"), justify="right", no_wrap=True, min_width=_COLUMN - 2
        )
    for row in rows:
        table.add_column(SHOWN[row.metric], justify="right", no_wrap=True, min_width=_COLUMN - 2)
    for point in found.frame.head(MOST).to_dict("records"):
        table.add_row(*_cells(found, rows, point))
    yield table
    yield Text("\n".join(["", *_notes(found)]))


def has_any(found: Sweep, metric: str) -> bool:
    """Whether a metric, or a lower bound of it, is known at any point."""
    names = {metric, bound_name(metric)} & set(found.frame.columns)
    return any(found.frame[name].notna().any() for name in names)


def _cells(found: Sweep, rows: list[Row], point: dict[Any, Any]) -> Iterator[Text]:
    yield Text(str(point["point"]))
    for key in found.keys:
        yield Text(found.texts[point["point"]][key])
    if point["error"]:
        yield Text("failed", style="red")
        return
    for row in rows:
        yield Text(f"{written_mean(row, point)}{partial_mark(known_in(row, point), found.replications)}")


def written_mean(row: Row, point: Mapping[Any, Any]) -> str:
    """Return the mean of a metric at a point; where runs were cut off, at least what it is."""
    value, bound = point[row.metric], point.get(bound_name(row.metric))
    if not _missing(value):
        return row.written(value)
    return row.written(None) if _missing(bound) else f"≥ {row.written(bound)}"


def known_in(row: Row, point: Mapping[Any, Any]) -> float:
    """Return in how many of its runs something is known of a metric at a point that has values; 0 where all have."""
    return point.get(count_name(row.metric), 0)  # type: ignore[no-any-return]


def _missing(value: Any) -> bool:
    return value is None or isnan(value)


def remarks(found: Sweep) -> Iterator[str]:
    """Yield what a reader has to know of the numbers of points."""
    if any(found.partial(metric).any() for metric in SHOWN):
        yield f"{PARTIAL_MEANS}; the columns METRIC.n count them"
    for remark, points in found.frame["remark"].value_counts().items():
        if remark:
            yield f"at {counted(points, 'point')}, {remark}"


def _notes(found: Sweep) -> Iterator[str]:
    points = len(found.frame)
    shown = f", of which {MOST} are shown" if points > MOST else ""
    yield f"{counted(points, 'point')}{shown}; {drawn_from(found.replications)}"
    yield from remarks(found)
    if found.interrupted:
        yield f"INTERRUPTED: the sweep has {counted(len(found.texts), 'point')}"
    if found.failed:
        yield f"{counted(found.failed, 'point')} could not be run; the column error says why"
    if not found.consistent:
        yield "AN INVARIANT IS BROKEN; the column broken says which"
