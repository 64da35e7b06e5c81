"""`vmfailover check`: the gate of a continuous integration."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import (
    BAD_INPUT,
    PATH,
    complain,
    scenario_arguments,
    scenario_in,
    seed_option,
    set_option,
    told,
)
from vmfailover.cli.progress import counted_bar, foretell
from vmfailover.errors import InputError
from vmfailover.files.whole_file import require_file_writable
from vmfailover.scenario import Scenario
from vmfailover.studies.baseline import Entry, read_baseline
from vmfailover.studies.changes import DEFAULT_LIMITS, GATED, Limit
from vmfailover.studies.executors import local_processes
from vmfailover.studies.regression import Check, Refused, check

#: Exit code where the answer is no.
FAILED = 1
_GATES = f"""
\b
What is gated:
- every invariant of every run, and that every run comes to its end;
- what each scenario expects (`expect:`), in all replications; a metric
  without a value meets nothing, and of one that a run ended too early to
  see, the lower bound has to be as expected however far beyond it is;
- that the baseline has each scenario, and that each scenario of the
  baseline whose file is gone or renamed is taken out of it;
- with a baseline, these metrics, less of each being better; one that a
  replication had and has no more is worse whatever --fail-on allows, and
  so is a value that has become a lower bound, unless the bound itself is
  as near to the value as --fail-on allows:
\b
{chr(10).join(f"    {metric}" for metric in GATED)}

Not gated: all other metrics, scenarios of the baseline that are there but not given, and what becomes better.
"""


@click.command("check", epilog=_GATES)
@scenario_arguments
@set_option
@seed_option
@click.option("--baseline", type=PATH, help="The file with what the scenarios gave before.")
@click.option("--update-baseline", is_flag=True, help="Tell what changes in the file, and write what they give now.")
@click.option("--accept", is_flag=True, help="Let --update-baseline write what got worse, too.")
@click.option("--invariants-only", is_flag=True, help="Hold runs against their invariants alone.")
@click.option(
    "--fail-on",
    "limits",
    metavar="STATISTIC:PERCENT",
    multiple=True,
    help="Fail if a statistic is worse by more, and by more than chance, as in p99:5%; or if a run has lost it. "
    "Repeatable.  [default: mean:5%]",
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
    accept: bool,
    invariants_only: bool,
    limits: tuple[str, ...],
    replications: int,
    jobs: int | None,
    as_json: bool,
    junit: Path | None,
) -> None:
    """Check what each SCENARIO expects, and that nothing is worse than in the baseline.

    On GitHub, a summary of the step and annotations are written too. Exits with 0 if all is well, 1 for a regression,
    an unmet expectation, a broken invariant, or a change for the worse that --update-baseline meets without --accept,
    and 2 for bad input; a scenario that cannot be read does not keep the others from being checked.
    """
    chosen = tuple(map(Limit.parse, limits)) or DEFAULT_LIMITS
    _require_baseline(baseline, {"--update-baseline": update_baseline, "--fail-on": bool(limits)})
    if accept and not update_baseline:
        raise InputError("--accept: belongs to --update-baseline")
    if invariants_only and baseline is not None:
        raise InputError("--invariants-only: looks at no baseline; leave one of the two out")
    if junit is not None:
        require_file_writable(junit, "--junit")
    entries = None if baseline is None else _entries(baseline, update=update_baseline)
    loaded, refused = _load(scenarios, overrides, seed)
    invariants_only |= (update_baseline or bool(refused)) and entries is None and not any(s.expect for s in loaded)
    foretell(loaded, replications, jobs)
    with counted_bar("checking") as progress, local_processes(jobs) as executor:
        found = check(
            loaded,
            entries,
            limits=chosen,
            replications=replications,
            invariants_only=invariants_only,
            executor=executor,
            progress=progress,
        )
    found = replace(found, refused=(*refused, *found.refused))
    _report(found, junit, as_json=as_json)
    updated = baseline is None or not update_baseline or _update(baseline, found, accept=accept, to_stderr=as_json)
    for each in found.refused:
        complain("\n".join(each.reasons))
    context.exit(BAD_INPUT if found.refused else 0 if found.passed and updated else FAILED)


def _require_baseline(baseline: Path | None, options: dict[str, bool]) -> None:
    """Raise InputError if an option is used that means nothing without a baseline."""
    for option, used in options.items():
        if used and baseline is None:
            raise InputError(f"{option}: name the file with --baseline")


def _entries(baseline: Path, *, update: bool) -> dict[str, Entry] | None:
    """Return what to compare with, nothing for an update; complain of the file before anything has been run."""
    if not update:
        return read_baseline(baseline)
    require_file_writable(baseline, "--baseline")
    if baseline.exists():
        read_baseline(baseline)
    return None


def _load(paths: Sequence[Path], overrides: Sequence[str], seed: int | None) -> tuple[list[Scenario], list[Refused]]:
    """Return the scenarios in some files, and which files cannot be checked."""
    loaded: dict[str, Scenario] = {}
    refused: list[Refused] = []
    for path in paths:
        try:
            scenario = scenario_in(path, overrides, seed)
            if scenario.name in loaded:
                raise InputError(f"{path}: name: {scenario.name!r} is the name of two scenarios; rename one")
            loaded[scenario.name] = scenario
        except InputError as error:
            refused.append(Refused(str(path), tuple(str(error).splitlines())))
    return list(loaded.values()), refused


def _update(baseline: Path, found: Check, *, accept: bool, to_stderr: bool) -> bool:
    """Tell what changes in the baseline, and write it if nothing speaks against that; return whether it is written."""
    from vmfailover.report.check_lines import renewal_lines

    if found.sound:
        lines = list(renewal_lines(found.renewal(baseline))) or ["nothing changes"]
        for line in lines:
            click.echo(f"{baseline}: {line}", err=to_stderr)
    try:
        found.write_baseline(baseline, accept=accept)
    except InputError as error:
        complain(told(error))
        return False
    return True


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
