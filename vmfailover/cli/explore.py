"""`vmfailover explore`: a fault at every instant that matters."""

from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.folders import EXPLORE, require_own
from vmfailover.cli.options import PATH, complain, scenario_in, seed_option, set_option, tell_interrupted
from vmfailover.cli.progress import LOOKED_AT, counted_bar, foretell
from vmfailover.files.whole_file import placed_whole
from vmfailover.results.quantities import counted
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.executors import local_processes
from vmfailover.studies.exploration import EPOCHS, FAULTS, Exploration, explore, some_of
from vmfailover.studies.minimisation import minimised

#: Exit code where an invariant is broken.
BROKEN = 1
#: The file with the smallest scenario that breaks an invariant.
VIOLATION = "violation.yaml"


@click.command("explore")
@click.argument("scenario", metavar="SCENARIO", type=PATH)
@set_option
@seed_option
@click.option(
    "--faults",
    metavar="NAMES",
    default=",".join(FAULTS),
    show_default=True,
    help="KIND, KIND:TARGET or network-loss:TARGET:PLANE+PLANE each.",
)
@click.option("--epochs", type=click.IntRange(1), default=EPOCHS, show_default=True, help="Epochs to cover.")
@click.option("--depth", type=click.IntRange(1, 2), default=1, show_default=True, help="Faults in a run.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print every run as JSON.")
@click.option("--out", type=PATH, help="Keep runs in this folder, and go on with what is there.")
@click.pass_context
def command(
    context: click.Context,
    scenario: Path,
    overrides: tuple[str, ...],
    seed: int | None,
    faults: str,
    epochs: int,
    depth: int,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Run SCENARIO with a fault before and after every event, and check all invariants each time.

    The smallest scenario found that breaks one is written to violation.yaml, in the folder of --out if there is one.
    Exits with 0 if all is well, 1 if an invariant is broken, 2 for bad input, and 130 if interrupted, by SIGTERM
    143.
    """
    if out is not None:
        require_own(out, EXPLORE)
    loaded = scenario_in(scenario, overrides, seed)
    names = [name.strip() for name in faults.split(",")]
    scenarios, each = some_of(loaded, names, epochs, LOOKED_AT)
    foretell(scenarios, each, jobs)
    with counted_bar("exploring") as progress, local_processes(jobs) as executor:
        exploration = explore(
            loaded, faults=names, epochs=epochs, depth=depth, out=out, executor=executor, progress=progress
        )
    _print(exploration, as_json=as_json)
    if exploration.interrupted:
        context.exit(_interrupted(exploration, out))
    if exploration.violations:
        path = (out or Path()) / VIOLATION
        with placed_whole(path) as unfinished:
            write_scenario(minimised(exploration.scenario, exploration.violations[0]), unfinished)
        complain(f"error: {len(exploration.violations)} runs break an invariant; {path} is the smallest found")
        context.exit(BROKEN)


def _interrupted(exploration: Exploration, out: Path | None) -> int:
    """Say what has been found before the interruption; no time is taken to find the smallest scenario."""
    broken = len(exploration.violations)
    found = f", of which {broken} break an invariant" if broken else ""
    onward = "" if out is None else "; the same command goes on with the others"
    return tell_interrupted(f"{counted(len(exploration.results), 'run')} are done{found}{onward}")


def _print(exploration: Exploration, *, as_json: bool) -> None:
    if as_json:
        click.echo(exploration.to_json())
        return
    from vmfailover.report.exploration_table import print_exploration

    print_exploration(exploration, console())
