"""A sweep as a table for a terminal."""

from collections.abc import Iterator
from math import isnan
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.ascii import captured_in_ascii
from vmfailover.report.comparison_rows import ROWS, Row
from vmfailover.report.quantities import counted
from vmfailover.studies.sweep import Sweep

#: The metrics of a point, in order.
SHOWN = (
    "failover.latency_ns",
    "guest.slowdown",
    "loss.work_ns",
    "client.latency_p99_ns",
    "replication.bandwidth_bps",
    "client.blackout_ns",
)
#: Characters of a column, with a space.
_COLUMN = 13
#: Points after which a table is cut off.
MOST = 40


def print_sweep(found: Sweep, console: Console) -> None:
    """Print the points with what matters most of each."""
    for part in _parts(found, console.width):
        console.print(part if console.encoding.startswith("utf") else captured_in_ascii(part, console), soft_wrap=False)


def _parts(found: Sweep, width: int) -> Iterator[RenderableType]:
    by_metric = {row.metric: row for row in ROWS}
    known = [by_metric[metric] for metric in SHOWN if found.frame[metric].notna().any()]
    rows = known[: max(1, width // _COLUMN - len(found.keys))]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    for key in found.keys:
        table.add_column(
            key.rpartition(".")[2].replace("_", "\n"), justify="right", no_wrap=True, min_width=_COLUMN - 2
        )
    for row in rows:
        table.add_column(row.label.strip().replace(" ", "\n"), justify="right", no_wrap=True, min_width=_COLUMN - 2)
    for point in found.frame.head(MOST).to_dict("records"):
        table.add_row(*_cells(found, rows, point))
    yield table
    yield Text("\n".join(["", *_notes(found)]))


def _cells(found: Sweep, rows: list[Row], point: dict[Any, Any]) -> Iterator[Text]:
    yield Text(str(point["point"]))
    for key in found.keys:
        yield Text(found.texts[point["point"]][key])
    if point["error"]:
        yield Text("not possible", style="red")
        return
    for row in rows:
        value = point[row.metric]
        yield Text(row.written(None if value is None or isnan(value) else value))


def _notes(found: Sweep) -> Iterator[str]:
    points = len(found.frame)
    yield f"{counted(points, 'point')}" + (f", of which {MOST} are shown" if points > MOST else "")
    if found.interrupted:
        yield f"INTERRUPTED: the sweep has {counted(len(found.texts), 'point')}"
    if found.failed:
        yield f"{counted(found.failed, 'point')} could not be run; the column error says why"
    if not found.consistent:
        yield "AN INVARIANT IS BROKEN; the column broken says which"
