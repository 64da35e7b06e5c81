"""What tables and texts for a terminal have in common."""

from collections.abc import Iterable

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from vmfailover.report.ascii import captured_in_ascii


def print_parts(parts: Iterable[RenderableType], console: Console) -> None:
    """Print parts one below the other, in ASCII on a terminal that has nothing else."""
    for part in parts:
        console.print(part if console.encoding.startswith("utf") else captured_in_ascii(part, console), soft_wrap=False)


def new_table(between: int = 1) -> Table:
    """Return a table without frame, with a line below its head, and so many blanks between its columns."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, between, 0, 0), show_edge=False)
