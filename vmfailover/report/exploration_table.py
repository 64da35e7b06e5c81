"""An exploration as tables for a terminal."""

import re
from collections import Counter
from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.parts import print_parts
from vmfailover.results.quantities import counted, duration
from vmfailover.studies.exploration import Exploration, quantile

#: Violations that are shown one by one.
SHOWN = 10
OUTCOMES = ("taken over", "alone", "ran on", "no service", "failed")
#: After which the name of a fault goes on in the next line.
_HYPHEN_OR_COLON = re.compile("(?<=[-:])")
QUANTILES = {"least": 0.0, "p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}


def print_exploration(exploration: Exploration, console: Console) -> None:
    """Print what was covered, what came of it, and how long failovers took; in ASCII if there is no Unicode."""
    print_parts(_parts(exploration), console)


def _parts(exploration: Exploration) -> Iterator[RenderableType]:
    scenario, runs = exploration.scenario, len(exploration.results)
    yield Text.assemble((scenario.name, "bold"), f" · seed {scenario.seed} · {scenario.replication.protocol}")
    broken = exploration.violations
    style = "bold red" if broken else "green"
    if exploration.interrupted:
        yield Text("INTERRUPTED: there would have been more runs than these.", "yellow")
    struck = f"{counted(runs, 'run')}, faults around every event of {counted(exploration.epochs, 'epoch')}."
    yield Text(f"{struck} {verdict(exploration)}.", style)
    yield Text()
    yield _coverage(exploration)
    yield Text()
    yield _outcomes(exploration)
    yield Text(f"\nLatencies are those of {counted(len(exploration.latencies()), 'run')} with a takeover.")
    for each in broken[:SHOWN]:
        faults = ", then ".join(f"{fault.name} at {fault.at_ns} ns" for fault in each.point.faults)
        yield Text(f"\n{faults} (after {each.point.phase}): {'; '.join(each.violations)}", style="red")


def verdict(exploration: Exploration) -> str:
    """Say whether any invariant was broken, and how many runs have ended without a VM that serves."""
    runs, broken = len(exploration.results), len(exploration.violations)
    told = f"{broken} of {runs} broke an invariant" if broken else "Every promised invariant holds"
    without = sum(each.outcome == "no service" for each in exploration.results)
    return f"{told}; {without} of {runs} end without service" if without else told


def _coverage(exploration: Exploration) -> Table:
    """Runs by what had happened last before the fault, and by fault."""
    table = _table("runs after", exploration.faults)
    phases = dict.fromkeys(each.point.phase for each in exploration.results)
    for phase in phases:
        table.add_row(phase, *(_count(exploration.count(fault, phase)) for fault in exploration.faults))
    return table


def _outcomes(exploration: Exploration) -> Table:
    """What came of the runs, and the distribution of the failover latency, by fault."""
    table = _table("", exploration.faults)
    found = Counter((each.point.faults[-1].name, each.outcome) for each in exploration.results)
    for outcome in OUTCOMES:
        if any(found[fault, outcome] for fault in exploration.faults):
            table.add_row(outcome, *(_count(found[fault, outcome]) for fault in exploration.faults))
    for name, share in QUANTILES.items():
        table.add_row(f"latency {name}", *(_latency(exploration, fault, share) for fault in exploration.faults))
    return table


def _table(corner: str, faults: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(corner, no_wrap=True)
    for fault in faults:
        table.add_column(_HYPHEN_OR_COLON.sub("\n", fault), justify="right", overflow="fold")
    return table


def _count(number: int) -> str:
    return str(number) if number else "–"


def _latency(exploration: Exploration, fault: str, share: float) -> str:
    latencies = exploration.latencies(fault)
    return duration(quantile(latencies, share)) if latencies else "–"
