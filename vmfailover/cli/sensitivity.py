"""`vmfailover sensitivity`: which keys move a metric."""

from pathlib import Path
from typing import cast

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, complain, scenario_in, seed_option, set_option
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.cli.tune import key_and_range
from vmfailover.studies.executors import local_processes
from vmfailover.studies.sensitivity import Method, Sensitivity, runs_needed, sensitivity

#: Exit code where an invariant is broken.
BROKEN = 1


@click.command("sensitivity")
@click.argument("scenario", metavar="SCENARIO", type=PATH)
@click.option("--metric", metavar="METRIC[.STATISTIC]", default="failover.latency_ns", show_default=True)
@click.option(
    "--vary", "ranges", metavar="KEY=LO:HI[:log]", multiple=True, required=True, help="A key to rank. Repeatable."
)
@click.option("--method", type=click.Choice(["morris", "sobol"]), default="morris", show_default=True)
@click.option(
    "--samples",
    type=click.IntRange(2, 1_000_000),
    default=8,
    show_default=True,
    help="Each takes keys + 1 points of morris, keys + 2 of sobol, for which it is a power of two.",
)
@click.option("--replications", type=click.IntRange(1, 1000), default=1, show_default=True, help="Runs of a point.")
@set_option
@seed_option
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(
    context: click.Context,
    scenario: Path,
    metric: str,
    ranges: tuple[str, ...],
    method: str,
    samples: int,
    replications: int,
    overrides: tuple[str, ...],
    seed: int | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Rank keys of SCENARIO by how much they move a metric.

    Exits with 0 if all is well, 1 if an invariant is broken, and 2 for bad input.
    """
    loaded, vary = scenario_in(scenario, overrides, seed), dict(map(key_and_range, ranges))
    foretell([loaded], runs_needed(cast(Method, method), samples, len(vary), replications), jobs)
    with counted_bar("trying") as progress, local_processes(jobs) as executor:
        found = sensitivity(
            loaded,
            metric,
            vary,
            method=cast(Method, method),
            samples=samples,
            replications=replications,
            executor=executor,
            progress=progress,
        )
    _print(found, as_json=as_json)
    for run in found.runs:
        for line in run.broken:
            complain(f"error: seed {run.seed}: invariant {line}")
    context.exit(0 if found.consistent else BROKEN)


def _print(found: Sensitivity, *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.sensitivity_table import print_sensitivity

    print_sensitivity(found, console())
