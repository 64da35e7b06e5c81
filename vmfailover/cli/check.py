"""`vmfailover check`: the gate of a continuous integration."""

import os
from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, complain, scenario_arguments, seed_option, set_option
from vmfailover.cli.progress import counted_bar
from vmfailover.errors import InputError
from vmfailover.scenario import load
from vmfailover.studies.baseline import Entry, read_baseline
from vmfailover.studies.executors import local_processes
from vmfailover.studies.regression import DEFAULT_LIMITS, Check, Limit, check
from vmfailover.whole_file import require_file_writable

#: Exit code where the answer is no.
FAILED = 1


@click.command("check")
@scenario_arguments
@set_option
@seed_option
@click.option("--baseline", type=PATH, help="The file with what the scenarios gave before.")
@click.option("--update-baseline", is_flag=True, help="Write what they give now to the file, if nothing else is wrong.")
@click.option(
    "--fail-on",
    "limits",
    metavar="STATISTIC:PERCENT",
    multiple=True,
    help="Fail if a statistic is worse by more, and by more than chance, as in p99:5%. Repeatable.  [default: mean:5%]",
)
@click.option("--replications", type=click.IntRange(1, 10_000), default=10, show_default=True)
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes to run in.  [default: one a core]")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--junit", type=PATH, help="Write JUnit XML to this file.")
@click.pass_context
def command(
    context: click.Context,
    scenarios: tuple[Path, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    baseline: Path | None,
    update_baseline: bool,
    limits: tuple[str, ...],
    replications: int,
    jobs: int | None,
    as_json: bool,
    junit: Path | None,
) -> None:
    """Check what each SCENARIO expects, and that nothing is worse than in the baseline.

    On GitHub, a summary of the step and annotations are written too. Exits with 0 if all is well, 1 for a regression,
    an unmet expectation or a broken invariant, and 2 for bad input.
    """
    if update_baseline and baseline is None:
        raise InputError("--update-baseline: name the file with --baseline")
    if junit is not None:
        require_file_writable(junit, "--junit")
    entries = _entries(baseline, update=update_baseline)
    seeded = overrides if seed is None else (*overrides, f"seed={seed}")
    loaded = [load(path, seeded) for path in scenarios]
    chosen = tuple(map(Limit.parse, limits)) or DEFAULT_LIMITS
    with counted_bar("checking") as progress, local_processes(jobs) as executor:
        found = check(loaded, entries, limits=chosen, replications=replications, executor=executor, progress=progress)
    _report(found, junit, as_json=as_json)
    if update_baseline and baseline:
        _update(baseline, found)
    context.exit(0 if found.passed else FAILED)


def _entries(baseline: Path | None, *, update: bool) -> dict[str, Entry] | None:
    """Return what to compare with, nothing for an update; complain of the file before anything has been run."""
    if baseline is None:
        return None
    if not update:
        return read_baseline(baseline)
    require_file_writable(baseline, "--baseline")
    if baseline.exists():
        read_baseline(baseline)
    return None


def _update(baseline: Path, found: Check) -> None:
    try:
        found.write_baseline(baseline)
    except InputError as error:
        complain(str(error))


def _report(found: Check, junit: Path | None, *, as_json: bool) -> None:
    from vmfailover.report.github import annotations, step_summary
    from vmfailover.report.junit import write_junit

    if junit is not None:
        write_junit(found, junit)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(step_summary(found))
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.check_table import print_check

    print_check(found, console())
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(found):
            click.echo(line)
