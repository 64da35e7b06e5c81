"""`vmfailover tune`: the values of keys that meet an objective."""

from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, complain, scenario_in, seed_option, set_option, tell_interrupted
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.errors import InputError
from vmfailover.results.quantities import counted
from vmfailover.studies.executors import local_processes
from vmfailover.studies.tuning import CONFIRMATIONS, REPLICATIONS, Tuning, tune

#: Exit code where no value is found that keeps the constraints, or an invariant is broken.
NONE_FOUND = 1


@click.command("tune")
@click.argument("scenario", metavar="SCENARIO", type=PATH)
@click.option("--minimize", metavar="METRIC[.STATISTIC]", default="guest.slowdown", show_default=True)
@click.option(
    "--subject-to",
    "constraints",
    metavar="LIMIT",
    multiple=True,
    help="What has to hold, as in 'failover.latency_ns.p99 < 50 ms'. Repeatable.",
)
@click.option(
    "--vary",
    "ranges",
    metavar="KEY=LO:HI[:log]",
    multiple=True,
    default=["replication.checkpoint_interval=1ms:100ms:log"],
    show_default=True,
    help="What may be chosen. Repeatable.",
)
@set_option
@seed_option
@click.option("--trials", type=click.IntRange(1, 100_000), default=40, show_default=True, help="Points to try.")
@click.option(
    "--replications", type=click.IntRange(1, 1000), default=REPLICATIONS, show_default=True, help="Runs of a trial."
)
@click.option(
    "--confirm", type=click.IntRange(2, 10_000), default=CONFIRMATIONS, show_default=True, help="Runs of a finalist."
)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print every trial as JSON.")
@click.pass_context
def command(
    context: click.Context,
    scenario: Path,
    minimize: str,
    constraints: tuple[str, ...],
    ranges: tuple[str, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    trials: int,
    replications: int,
    confirm: int,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Find the values of keys of SCENARIO that make a metric least, while others stay within limits.

    The best points are run again with other random numbers, so that what is said of them is not luck. Exits with 0 if
    there is such a point, 1 if none is found or an invariant is broken, 2 for bad input, and 130 if interrupted, by
    SIGTERM 143, in which case the best so far is printed.
    """
    loaded = scenario_in(scenario, overrides, seed)
    vary = dict(map(key_and_range, ranges))
    foretell([loaded], trials * replications, jobs)
    with counted_bar("tuning") as progress, local_processes(jobs) as executor:
        found = tune(
            loaded,
            minimize,
            vary,
            subject_to=constraints,
            trials=trials,
            replications=replications,
            confirmations=confirm,
            executor=executor,
            progress=progress,
        )
    _print(found, as_json=as_json)
    context.exit(_verdict(found, trials))


def key_and_range(text: str) -> tuple[str, str]:
    """Return the two parts of a `--vary` option; raise InputError if it has not two."""
    key, equals, values = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--vary {text}: write KEY=LO:HI[:log], for example replication.checkpoint_interval=1ms:50ms")
    return key.strip(), values.strip()


def _print(found: Tuning, *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.tuning_table import print_tuning

    print_tuning(found, console())


def _verdict(found: Tuning, trials: int) -> int:
    for trial in found.judged:
        if trial.broken:
            complain(f"error: trial {trial.number}: {trial.error}")
    if found.interrupted:
        return tell_interrupted(f"{len(found.trials)} of {counted(trials, 'trial')} are done")
    return 0 if found.best is not None and found.consistent else NONE_FOUND
