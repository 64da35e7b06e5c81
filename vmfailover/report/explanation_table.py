"""The arithmetic of a scenario, for a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import duration
from vmfailover.studies.explanation import Explanation, Term


def print_explanation(found: Explanation, console: Console) -> None:
    """Print what a failover, an epoch and a loss add up to, a row a term, each with its key."""
    print_parts(_parts(found), console)


def _parts(found: Explanation) -> Iterator[RenderableType]:
    yield Text(f"{found.scenario.name} · {found.scenario.replication.protocol} · arithmetic, not a run", style="bold")
    if found.failover:
        yield _title("failover after a crash", *found.failover_ns)
        yield _table(found.failover)
        if found.scenario.replication.replicates:
            yield Text("and what of the last epoch is still to be applied")
    else:
        yield Text("\nno other host takes over")
    if found.epoch:
        yield Text("\nepoch", style="bold")
        yield _table(found.epoch)
    if found.loss:
        yield Text("\nlost with the host", style="bold")
        yield _table(found.loss)


def _title(what: str, shortest_ns: int, longest_ns: int) -> Text:
    return Text(f"\n{what}: {_between(shortest_ns, longest_ns)}", style="bold")


def _between(shortest_ns: int, longest_ns: int) -> str:
    least, most = duration(shortest_ns), duration(longest_ns)
    return most if least == most else f"{least} to {most}"


def _table(terms: Sequence[Term]) -> Table:
    table = new_table()
    for title, justify in (("part", "left"), ("at least", "right"), ("at most", "right")):
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type] # a literal of rich
    table.add_column("from")
    for term in terms:
        source = f"{term.key}: {term.arithmetic}" if term.arithmetic else term.key
        table.add_row(term.name, duration(term.shortest_ns), duration(term.longest_ns), source)
    return table
