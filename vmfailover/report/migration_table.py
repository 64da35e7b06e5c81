"""A live migration, for a terminal: what came of it, its rounds, and what other settings would make of it."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.migration import Round
from vmfailover.results.quantities import counted, duration, size
from vmfailover.studies.migration import Migration, Setting

#: Rounds that are shown, at most, of which as many are the first as are the last.
_MOST = 20


def print_migration(found: Migration, console: Console) -> None:
    """Print the answer, a row a round, a row for each other setting, and which timeouts bear the downtime."""
    print_parts(_parts(found), console)


def _parts(found: Migration) -> Iterator[RenderableType]:
    yield Text(_answer(found), style="bold" if found.converged else "bold red")
    yield _rounds(found.rounds)
    if found.against:
        yield _timeouts(found)
    yield Text(f"\n{_advice(found)}", style="bold")
    yield _settings(found.settings)


def _answer(found: Migration) -> str:
    values = found.result.values
    rounds, sent = counted(len(found.rounds), "round"), size(values["migration.bytes"])
    if found.converged:
        total, down = duration(values["migration.total_ns"]), duration(values["migration.downtime_ns"])
        return f"converges: {total} in {rounds}, {sent}, the VM stops for {down}"
    lasted = duration(sum(each.duration_ns for each in found.rounds))
    return f"does not converge: after {lasted}, {rounds} and {sent} the VM runs where it was"


def _advice(found: Migration) -> str:
    best = found.settings[0]
    if not best.forecast.converges:
        return "none of these settings alone lets it converge"
    if not found.converged:
        return f"{best.name} lets it converge"
    total_ns = found.result.values["migration.total_ns"] or 0
    if best.forecast.total_ns > 0.95 * total_ns:
        return "none of these settings makes it much shorter"
    return f"{best.name} makes it shortest"


def _table(*titles: str) -> Table:
    table = new_table()
    for title in titles:
        table.add_column(title, justify="left" if title in ("setting", "timeout") else "right", no_wrap=True)
    return table


def _rounds(rounds: Sequence[Round]) -> Table:
    table = _table("round", "start", "duration", "modified", "sent", "a second")
    shown = rounds if len(rounds) <= _MOST else (*rounds[: _MOST // 2], None, *rounds[-_MOST // 2 :])
    for each in shown:
        table.add_row(*(["…"] * 6 if each is None else _cells(each)))
    return table


def _cells(each: Round) -> list[str]:
    modified = "" if each.modified_bytes is None else size(each.modified_bytes)
    times = (duration(each.started_ns), duration(each.duration_ns))
    return [str(each.number), *times, modified, size(each.sent_bytes), size(each.bytes_per_second)]


def _timeouts(found: Migration) -> Table:
    table = _table("timeout", "after", "bears the stop")
    for name, time_ns in found.against.items():
        bears = found.bears(name)
        table.add_row(name, duration(time_ns), "there is none" if bears is None else "yes" if bears else "no")
    return table


def _settings(settings: Sequence[Setting]) -> Table:
    table = _table("setting", "converges", "takes about", "stops for about")
    for each in settings:
        told = each.forecast
        total = duration(told.total_ns) if told.converges else "–"
        table.add_row(each.name, "yes" if told.converges else "no", total, duration(told.downtime_ns))
    return table
