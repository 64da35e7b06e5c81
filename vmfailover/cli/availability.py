"""`vmfailover availability`: a VM on two hosts that fail and are repaired, over many years."""

import math
from pathlib import Path
from typing import Any

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, complain, scenario_in, seed_option, set_option
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.errors import InputError
from vmfailover.studies.availability import (
    FAILOVERS,
    FAILURES,
    REPAIRS,
    REPLICATIONS,
    Availability,
    availability,
    crashes,
)
from vmfailover.studies.executors import local_processes

#: Exit code where an invariant is broken.
BROKEN = 1


class _Shape(click.FloatRange):
    """A number within a range, which `nan` is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; refuse `nan`, which is neither below nor above any."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number", param, ctx) if math.isnan(number) else number


@click.command("availability")
@click.argument("scenario", type=PATH)
@click.option("--mttf", metavar="TIME", default="1000h", show_default=True, help="Mean time to failure of one host.")
@click.option("--mttr", metavar="TIME", default="4h", show_default=True, help="Mean time to repair of one host.")
@click.option(
    "--repair",
    type=click.Choice(REPAIRS),
    default=REPAIRS[0],
    show_default=True,
    help="Repair both hosts at once if need be, or one after the other.",
)
@click.option(
    "--weibull-shape",
    type=_Shape(0.1, 20),
    default=1.0,
    show_default=True,
    help="Shape of the times to failure; 1 is exponential, more is wear.",
)
@click.option("--years", type=click.IntRange(1), help="Years to simulate, in all replications together.")
@click.option(
    "--failures",
    type=click.IntRange(1),
    help=f"Simulate until about so many failures of hosts, in all replications together.  [default: {FAILURES}]",
)
@click.option("--replications", type=click.IntRange(2, 1000), default=REPLICATIONS, show_default=True)
@click.option(
    "--failovers",
    type=click.IntRange(1, 1000),
    default=FAILOVERS,
    show_default=True,
    help="Failovers to simulate; those of the years are drawn from them.",
)
@set_option
@seed_option
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_context
def command(
    context: click.Context,
    scenario: Path,
    mttf: str,
    mttr: str,
    repair: str,
    weibull_shape: float,
    years: int | None,
    failures: int | None,
    replications: int,
    failovers: int,
    overrides: tuple[str, ...],
    seed: int | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Let both hosts of SCENARIO fail and be repaired for many years, and print how long its VM is up.

    While the other host is in step, a failure of the host with the VM costs the latency of a failover, drawn from
    failovers of SCENARIO that are simulated at random instants. While it is not, from a failure until the repair and
    the copy of all memory over the link, a failure of the remaining host is an outage: until a host is repaired and the
    VM restarted (replication.restart.boot). Exits with 0 if all is well, 1 if an invariant is broken, and 2 for bad
    input.
    """
    if years is not None and failures is not None:
        raise InputError("--years and --failures both say how long to simulate; give one of them")
    loaded = scenario_in(scenario, overrides, seed)
    foretell(crashes(loaded, failovers), 1, jobs)
    with counted_bar("simulating") as progress, local_processes(jobs) as executor:
        result = availability(
            loaded,
            mttf=mttf,
            mttr=mttr,
            repair=repair,
            weibull_shape=weibull_shape,
            years=years,
            failures=failures or FAILURES,
            replications=replications,
            failovers=failovers,
            executor=executor,
            progress=progress,
        )
    _print(result, as_json=as_json)
    context.exit(_verdict(result))


def _print(result: Availability, *, as_json: bool) -> None:
    if as_json:
        click.echo(result.to_json())
        return
    from vmfailover.report.availability_table import print_availability

    print_availability(result, console())


def _verdict(result: Availability) -> int:
    for run in result.runs:
        for line in run.broken:
            complain(f"error: seed {run.seed}: invariant {line}")
    return 0 if result.consistent else BROKEN
