"""`vmfailover compare`: scenarios, or protocols, side by side."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.folders import COMPARE, require_own
from vmfailover.cli.options import (
    PATH,
    SET,
    complain,
    scenario_arguments,
    scenario_in,
    seed_option,
    set_option,
    tell_interrupted,
    with_seed,
)
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.errors import InputError
from vmfailover.results.quantities import counted
from vmfailover.scenario import Scenario
from vmfailover.scenario.loading import load_under
from vmfailover.studies.comparison import REPLICATIONS, Comparison, all_protocols, compare, possible_columns
from vmfailover.studies.comparison_export import export_comparison
from vmfailover.studies.executors import local_processes

#: Exit code where an invariant is broken.
BROKEN = 1


@click.command("compare")
@scenario_arguments
@set_option
@seed_option
@click.option("--protocols", metavar="NAMES", help="Compare protocols on one scenario: all, or names between commas.")
@click.option("--baseline", metavar="NAME", help="What differences are to.  [default: the first column]")
@click.option("--replications", type=click.IntRange(1, 1000), default=REPLICATIONS, show_default=True)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--out", type=PATH, help="Write summary, runs, scenarios and figure to this folder.")
@click.pass_context
def command(
    context: click.Context,
    scenarios: tuple[Path, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    protocols: str | None,
    baseline: str | None,
    replications: int,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Run each SCENARIO, or one under several protocols, and print them side by side.

    The n-th replication of every column has the same seed and the same instant of failure, so that differences are
    paired. Exits with 0 if all is well, 1 if an invariant is broken, 2 for bad input, and 130 if interrupted, by
    SIGTERM 143, in which case the runs so far are printed and saved.
    """
    if out is not None:
        require_own(out, COMPARE)
    seeded = with_seed(overrides, seed)
    columns, impossible = _columns(scenarios, seeded, protocols)
    foretell([*columns.values()], replications, jobs)
    with counted_bar("comparing") as progress, local_processes(jobs) as executor:
        comparison = compare(
            columns, replications=replications, baseline=baseline, executor=executor, progress=progress
        )
    comparison = replace(comparison, impossible=impossible)
    if out is not None:
        export_comparison(comparison, out)
    _print(comparison, as_json=as_json)
    context.exit(_verdict(comparison))


def _columns(
    paths: Sequence[Path], overrides: Sequence[str], protocols: str | None
) -> tuple[dict[str, Scenario], dict[str, str]]:
    """Return the scenario of each column, and the columns that cannot be."""
    if protocols is None:
        return _by_name([scenario_in(path, overrides) for path in paths]), {}
    if len(paths) != 1:
        raise InputError("--protocols compares protocols on one scenario; give one")
    if protocols == "all":
        return possible_columns(all_protocols(), load_under(paths[0], all_protocols(), overrides, called=SET))
    names = [name.strip() for name in protocols.split(",")]
    under = load_under(paths[0], names, overrides, called=SET)
    return {name: under(name) for name in names}, {}


def _by_name(loaded: Sequence[Scenario]) -> dict[str, Scenario]:
    named = {scenario.name: scenario for scenario in loaded}
    if len(named) < len(loaded):
        raise InputError("two scenarios have the same name, and so would their columns; rename one")
    return named


def _print(comparison: Comparison, *, as_json: bool) -> None:
    if as_json:
        click.echo(comparison.to_json())
        return
    from vmfailover.report.comparison_table import print_comparison

    print_comparison(comparison, console())


def _verdict(comparison: Comparison) -> int:
    for run in comparison.runs:
        for line in run.broken:
            complain(f"error: {run.label}, seed {run.seed}: invariant {line}")
        if run.error:
            complain(f"error: {run.label}, seed {run.seed}: {run.error}")
    if comparison.interrupted:
        runs = counted(comparison.replications * len(comparison.names), "run")
        return tell_interrupted(f"{len(comparison.runs)} of {runs} are done")
    return 0 if comparison.consistent else BROKEN
