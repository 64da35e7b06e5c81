"""A comparison as tables for a terminal."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.chance import SINGLE_DRAWS
from vmfailover.report.comparison_notes import WINNERS, failures, interruption, notes
from vmfailover.report.comparison_rows import ROWS, Row
from vmfailover.report.parts import new_table, print_parts
from vmfailover.studies.comparison import Comparison

#: Characters of a row's label, and of columns of means and of differences, each with a space.
_LABEL = 18
_MEAN = 14
_DIFFERENCE = 24
_WINNER = "*"
#: What stands in a row of a column.
Cell = Callable[[Comparison, str, Row], Text]


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print what was measured, the differences to the baseline, and what else a reader has to know."""
    print_parts(_parts(comparison, console.width), console)


def _parts(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    rows = [row for row in ROWS if any(comparison.statistic(name, row.metric).n for name in comparison.names)]
    for names in _blocks(comparison.names, width, _MEAN):
        yield _table(comparison, rows, names, _MEAN, _mean)
    others = [name for name in comparison.names if name != comparison.baseline]
    if others and comparison.replications > 1:
        yield Text(f"\nDifferences to {comparison.baseline}", style="bold")
        for names in _blocks(others, width, _DIFFERENCE):
            yield _table(comparison, rows, names, _DIFFERENCE, _difference)
    yield Text("\n".join(["", *_notes(comparison)]))


def _blocks(names: Sequence[str], width: int, column: int) -> list[Sequence[str]]:
    """Share the columns out so that each block is as wide as the terminal allows."""
    fitting = max(1, (width - _LABEL) // column)
    blocks = -(-len(names) // fitting)
    each = -(-len(names) // max(1, blocks))
    return [names[at : at + each] for at in range(0, len(names), each)]


def _table(comparison: Comparison, rows: Sequence[Row], names: Sequence[str], column: int, cell: Cell) -> Table:
    table = new_table()
    table.add_column(no_wrap=True, min_width=_LABEL - 1)
    for name in names:
        table.add_column(_broken_at_hyphens(name, column - 1), justify="right", no_wrap=True, min_width=column - 1)
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            table.add_row(Text(group, style="bold"))
        table.add_row(f"  {row.label}", *(cell(comparison, name, row) for name in names))
    return table


def _broken_at_hyphens(name: str, width: int) -> str:
    """Return a name in lines of at most so many characters, as far as its hyphens allow."""
    lines = [""]
    for piece in name.replace("-", "-\0").split("\0"):
        if len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines).lstrip("\n")


def _mean(comparison: Comparison, name: str, row: Row) -> Text:
    best = name in comparison.winners(row.metric)
    text = row.mean(comparison.statistic(name, row.metric), len(comparison.of(name)))
    return Text(f"{text}{_WINNER if best else ' '}", style="bold" if best else "")


def _difference(comparison: Comparison, name: str, row: Row) -> Text:
    found, runs = comparison.difference(name, row.metric), len(comparison.of(name))
    return Text(row.signed(found, runs), style="" if found.mean is None else "bold" if found.certain else "dim")


def _notes(comparison: Comparison) -> Iterator[str]:
    n = comparison.replications
    yield "less is better in all rows" if n == 1 else f"{_WINNER} {WINNERS}; less is better in all rows"
    if told := interruption(comparison):
        yield told
    if n == 1:
        yield SINGLE_DRAWS
    else:
        yield (
            f"means of {n} replications, whose failures come at different instants; differences are paired, "
            "± half the 95 % confidence interval, bold where it leaves out zero; shares differ in points of percent"
        )
    yield from (f"{name}: {line}" for name in comparison.names for line in failures(comparison, name))
    yield from (f"{names}: {line}" for names, line in notes(comparison))
