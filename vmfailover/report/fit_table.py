"""How well fitted hot sets do, for a terminal."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import count, counted, duration, short_count, three_digits
from vmfailover.scenario.units import SIZE
from vmfailover.studies.fit.fit import ACCEPTABLE, Fit, Point


def print_fit(found: Fit, console: Console) -> None:
    """Print the dirty sets recorded and fitted, a row a window, and what is to be known about them."""
    print_parts(_parts(found), console)


def _parts(found: Fit) -> Iterator[RenderableType]:
    yield Text(f"{counted(len(found.workload['sets']), 'hot set')} fitted to {found.source}", style="bold")
    yield _table(found)
    worst = found.worst
    where = f"{SIZE.format(worst.granularity)} in {_window(worst)}"
    yield Text(f"\ngreatest error {100 * worst.error:+.1f} %, of {where}", style="" if found.good else "bold red")
    yield Text("\n".join(found.notes))


def _window(point: Point) -> str:
    return duration(point.window_ns) if point.stores is None else f"{count(point.stores)} stores"


def _table(found: Fit) -> Table:
    table = new_table()
    columns = [points for _, points in found.of_granularity()]
    by_stores = columns[0][0].stores is not None
    sizes = [SIZE.format(granularity) for granularity, _ in found.of_granularity()]
    windows = ["stores", "time"] if by_stores else ["time"]
    for title in [*windows, *(title for size in sizes for title in (size, "fitted", "%"))]:
        table.add_column(title, justify="right", no_wrap=True)
    for row in zip(*columns, strict=True):
        window = [short_count(row[0].stores)] if by_stores else []
        table.add_row(*window, duration(row[0].window_ns), *(cell for point in row for cell in _cells(point)))
    return table


def _cells(point: Point) -> tuple[str, str, Text]:
    error = Text(f"{100 * point.error:+.1f}", style="" if abs(point.error) <= ACCEPTABLE else "bold red")
    return three_digits(point.recorded), three_digits(point.fitted), error
