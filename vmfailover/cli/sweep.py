"""`vmfailover sweep`: a scenario with other values of some keys."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import click

from vmfailover.cli.console import console
from vmfailover.cli.folders import SWEEP, require_own
from vmfailover.cli.options import PATH, complain, scenario_in, seed_option, set_option, tell_interrupted
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.errors import InputError
from vmfailover.results.quantities import counted
from vmfailover.scenario import Scenario
from vmfailover.studies.design import Kind
from vmfailover.studies.design import points as points_of
from vmfailover.studies.executors import dask_workers
from vmfailover.studies.sweep import REPLICATIONS, Sweep, sweep

#: Exit code where an invariant is broken.
BROKEN = 1


@click.command("sweep")
@click.argument("scenario", metavar="SCENARIO", type=PATH)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    metavar="KEY=VALUES",
    multiple=True,
    required=True,
    help="Values between commas, or LO:HI:N[:log]; for a latin hypercube LO:HI[:log]. Repeatable.",
)
@click.option(
    "--design",
    type=click.Choice(["grid", "zip", "latin-hypercube"]),
    default="grid",
    show_default=True,
    help="Each value with each, the n-th values together, or points drawn evenly from the ranges.",
)
@click.option("--points", type=click.IntRange(1), help="Points of a latin hypercube.")
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=REPLICATIONS, show_default=True, help="Runs of a point."
)
@set_option
@seed_option
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--dask", "address", metavar="ADDRESS", help="Run on the workers of a Dask scheduler, tcp://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True, help="Print every point as JSON.")
@click.option("--out", type=PATH, help="Keep points here, and go on with what is there.")
@click.pass_context
def command(
    context: click.Context,
    scenario: Path,
    parameters: tuple[str, ...],
    design: str,
    points: int | None,
    replications: int,
    overrides: tuple[str, ...],
    seed: int | None,
    jobs: int | None,
    address: str | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Run SCENARIO with every combination of the values given with -p.

    The folder of --out is a Parquet dataset, a file a point, that pandas.read_parquet reads; the same command goes on
    with it after an interruption, and one with more values, keys or replications adds what is missing, as long as every
    point that is there is among its own. A point that cannot be run is a row with its error. Exits with 0 if all is
    well, 1 if an invariant is broken or every point failed, 2 for bad input, and 130 if interrupted, by SIGTERM 143.
    """
    if out is not None:
        require_own(out, SWEEP)
    loaded = scenario_in(scenario, overrides, seed)
    keys = dict(_key_and_values(text) for text in parameters)
    if address is None:
        chosen = points_of(keys, cast(Kind, design), points, loaded.seed)
        foretell([loaded], len(chosen) * replications, jobs)
    with counted_bar("sweeping") as progress, _workers(loaded, address) as executor:
        found = sweep(
            loaded,
            keys,
            design=cast(Kind, design),
            count=points,
            replications=replications,
            out=out,
            executor=executor,
            jobs=jobs,
            progress=progress,
        )
    _print(found, as_json=as_json)
    context.exit(_verdict(found, out))


def _key_and_values(text: str) -> tuple[str, str]:
    key, equals, values = text.partition("=")
    if not equals or not key.strip() or not values.strip():
        raise InputError(f"-p {text}: write KEY=VALUES, for example replication.checkpoint_interval=1ms,5ms")
    return key.strip(), values.strip()


def _workers(scenario: Scenario, address: str | None) -> AbstractContextManager[Executor | None]:
    return _local() if address is None else dask_workers(address, scenario)


@contextmanager
def _local() -> Iterator[None]:
    yield None


def _print(found: Sweep, *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.sweep_table import print_sweep

    print_sweep(found, console())


def _verdict(found: Sweep, out: Path | None) -> int:
    frame = found.frame
    for number, error in frame.loc[frame["error"] != "", ["point", "error"]].itertuples(index=False):
        complain(f"error: point {number}: {error}")
    for number, broken in frame.loc[frame["broken"] != "", ["point", "broken"]].itertuples(index=False):
        complain(f"error: point {number}: invariant {broken}")
    if found.interrupted:
        onward = "" if out is None else "; the same command goes on with the others"
        return tell_interrupted(f"{len(frame)} of {counted(len(found.texts), 'point')} are done{onward}")
    return 0 if found.consistent and found.failed < len(frame) else BROKEN
