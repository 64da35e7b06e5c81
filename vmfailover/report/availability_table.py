"""An availability as a table for a terminal, and what it rests on."""

import math
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import counted, long_duration, share, short_count, three_digits
from vmfailover.scenario.units import LIFETIME
from vmfailover.studies.availability import YEAR_NS, Availability
from vmfailover.studies.statistics import Statistic

#: Outages of which there are fewer say little about how long they take on average.
FEW = 30


def print_availability(result: Availability, console: Console) -> None:
    """Print how long the VM is up, what takes it down, and what that rests on; in ASCII if there is no Unicode."""
    print_parts(_parts(result), console)


def _parts(result: Availability) -> Iterator[RenderableType]:
    yield _title(result)
    yield _headline(result)
    yield Text()
    yield _table(result)
    yield Text()
    yield from (_note(name, text) for name, text in _notes(result))


def _title(result: Availability) -> Text:
    scenario = result.scenario
    return Text.assemble((scenario.name, "bold"), f" · seed {scenario.seed} · {scenario.replication.protocol}")


def _headline(result: Availability) -> Text:
    if result.nines is None:
        return Text(f"The VM was never down in {_years(result)}.", style="bold")
    percent = f"{(result.availability.mean or 0) * 100:.{max(2, math.ceil(result.nines))}f} %"
    down = long_duration(result.per_year("downtime_ns").mean)
    return Text(f"Available {percent} of the time, {three_digits(result.nines)} nines: down {down} a year.", "bold")


def _table(result: Availability) -> Table:
    table = new_table()
    table.add_column(no_wrap=True)
    for name in ("a year", "± 95 %"):
        table.add_column(name, justify="right", no_wrap=True, min_width=9)
    table.add_column()
    for row in _rows(result):
        table.add_row(*row)
    return table


def _rows(result: Availability) -> Iterator[tuple[str, str, str, str]]:
    yield ("downtime", *_times(result.per_year("downtime_ns")), "")
    yield ("  by failovers", *_times(result.per_year("failover_ns")), _part(result, "failover_ns"))
    yield ("  by outages", *_times(result.per_year("outage_ns")), _part(result, "outage_ns"))
    yield ("failovers", *_numbers(result.per_year("failovers")), _each(result, "failover"))
    yield ("outages", *_numbers(result.per_year("outages")), _each(result, "outage"))
    yield ("exposure", *_times(result.per_year("exposure_ns")), f"{share(result.exposure_share.mean)} of the time")


def _times(found: Statistic) -> tuple[str, str]:
    return long_duration(found.mean), long_duration(found.half_width)


def _numbers(found: Statistic) -> tuple[str, str]:
    return _number(found.mean), _number(found.half_width)


def _number(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:#.3g}" if 0 < number < 1 else three_digits(number)


def _part(result: Availability, name: str) -> str:
    downtime_ns = result.total("downtime_ns")
    return f"{share(result.total(name) / downtime_ns)} of it" if downtime_ns else ""


def _each(result: Availability, kind: str) -> str:
    times = result.total(f"{kind}s")
    if not times:
        return "none came"
    return f"one in {long_duration(result.time_ns / times)}, {long_duration(result.total(f'{kind}_ns') / times)} each"


def _notes(result: Availability) -> Iterator[tuple[str, str]]:
    pair, runs, lives = result.pair, result.runs, len(result.lives)
    yield "exposure", "no other host can take over, from a failure until repair and full copy"
    yield "outage", "a failure of the VM's host meanwhile, until a repair and a restart"
    yield "hosts", f"{_lifetimes(result)}, {_repairs(result)}"
    low, high = (long_duration(edge(pair.failovers_ns)) for edge in (min, max))
    yield "failover", f"{low} to {high} in {counted(len(runs), 'simulated crash', 'simulated crashes')}"
    yield "recovery", f"copy {long_duration(pair.resynchronisation_ns)}, restart {long_duration(pair.restart_ns)}"
    failures = counted(result.total("failures"), "failure")
    yield "run", f"{failures} in {_years(result)}, {counted(lives, 'replication')}"
    if result.total("outages") < FEW:
        yield "note", f"{counted(result.total('outages'), 'outage')} came; simulate more failures to be sure of them"
    for line in dict.fromkeys(line for run in runs for line in run.broken):
        yield "note", f"BROKEN INVARIANT {line}"
    yield from (("note", remark) for remark in runs[0].remarks)


def _note(name: str, text: str) -> Text:
    return Text.assemble((f"{name:9}", "bold"), text)


def _lifetimes(result: Availability) -> str:
    shape = result.pair.weibull_shape
    weibull = "" if shape == 1 else f" (Weibull, shape {shape:g})"
    return f"MTTF {LIFETIME.format(result.pair.mttf_ns)}{weibull}"


def _repairs(result: Availability) -> str:
    crew = "one repair crew" if result.pair.one_crew else "independent repair"
    return f"MTTR {LIFETIME.format(result.pair.mttr_ns)}, {crew}"


def _years(result: Availability) -> str:
    return f"{short_count(result.time_ns / YEAR_NS)} years"
