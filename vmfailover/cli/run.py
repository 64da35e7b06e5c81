"""`vmfailover run`: run scenarios and print what came of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.folders import REPLICATIONS, RUN, RUNS, SEVERAL_REPLICATIONS, require_own
from vmfailover.cli.options import (
    INTERRUPTED,
    PATH,
    complain,
    log_level_option,
    scenario_arguments,
    scenario_in,
    seed_option,
    set_option,
    tell_interrupted,
)
from vmfailover.cli.progress import counted_bar, followed, foretell
from vmfailover.errors import InputError
from vmfailover.files.whole_file import require_file_writable
from vmfailover.results.export import export
from vmfailover.results.quantities import counted
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.scenario.units import SIZE
from vmfailover.studies.executors import local_processes
from vmfailover.studies.memory_estimate import require_memory
from vmfailover.studies.precision import Precision
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.replication_export import export_replications

#: Exit code where an invariant is broken.
BROKEN = 1


def _size(context: click.Context, parameter: click.Parameter, text: str) -> int:
    del context, parameter
    try:
        return int(SIZE.read(text))
    except ValueError as error:
        raise InputError(f"--max-memory: {error}") from None


@click.command("run")
@scenario_arguments
@set_option
@seed_option
@click.option(
    "--fidelity",
    type=click.Choice(("executed", "sampled")),
    help="Execute every access of the guest, or sample which memory it modifies; overrides the scenario's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON: an object, or for several a list.")
@click.option("--out", type=PATH, help="Write summary, tables and timeline to this folder.")
@click.option(
    "--perfetto",
    metavar="FILE",
    type=PATH,
    help="Write the run as a trace for ui.perfetto.dev to this file.",
)
@click.option(
    "--max-memory",
    metavar="SIZE",
    callback=_size,
    default="8 GiB",
    show_default=True,
    help="Refuse a run that would take more memory than this.",
)
@click.option("--replications", type=click.IntRange(1, 100_000), help="Run so often, with other random numbers.")
@click.option("--until", metavar="PRECISION", help="Replicate until so exact, as in 'failover.latency_ns ±2 %'.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes for replications.  [default: one a core]")
@log_level_option
@click.pass_context
def command(
    context: click.Context,
    scenarios: tuple[Path, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    fidelity: str | None,
    as_json: bool,
    out: Path | None,
    perfetto: Path | None,
    max_memory: int,
    replications: int | None,
    until: str | None,
    jobs: int | None,
) -> None:
    """Run each SCENARIO and print a summary; with --replications or --until, statistics over many runs.

    Exits with 0 if all is well, 1 if an invariant is broken, 2 for bad input, and 130 if interrupted, by SIGTERM 143,
    in which case the results so far are printed and saved.
    """
    chosen = overrides if fidelity is None else (*overrides, f"fidelity={fidelity}")
    loaded = [scenario_in(path, chosen, seed) for path in scenarios]
    for scenario in loaded:
        require_memory(scenario, max_memory)
    replicated = replications is not None or until is not None
    folders = _folders(loaded, out, replicated=replicated)
    if perfetto is not None:
        _require_one_run(perfetto, loaded, replicated=replicated)
    if replicated:
        context.exit(_replicate(loaded, folders, replications, until, jobs, as_json=as_json))
    results = list(_results(loaded, folders, summarise=not as_json))
    if perfetto is not None:
        results[0].to_perfetto(perfetto)
    if as_json:
        click.echo(_json(results))
    context.exit(_verdict(results))


def _require_one_run(perfetto: Path, scenarios: Sequence[Scenario], *, replicated: bool) -> None:
    """Raise InputError unless there is one run to be traced and a file can be written for it."""
    if replicated:
        raise InputError("--perfetto: shows a single run; leave out --replications and --until")
    if len(scenarios) > 1:
        raise InputError(f"--perfetto: shows a single run, not {len(scenarios)}; give one scenario")
    require_file_writable(perfetto, "--perfetto")


def _replicate(
    scenarios: Sequence[Scenario],
    folders: Sequence[Path | None],
    n: int | None,
    until: str | None,
    jobs: int | None,
    *,
    as_json: bool,
) -> int:
    """Replicate the scenarios in turn, printing and saving each; return the exit code."""
    precision = None if until is None else Precision.parse(until)
    found = []
    if precision is None:
        foretell(scenarios, n or 1, jobs)
    with local_processes(jobs) as executor:
        for scenario, folder in zip(scenarios, folders, strict=True):
            with counted_bar(scenario.name) as progress:
                found.append(replicate(scenario, n, until=precision, executor=executor, progress=progress))
            if folder is not None:
                export_replications(found[-1], folder)
            if not as_json:
                _print_replications(found[-1])
            if found[-1].interrupted:
                break
    if as_json:
        click.echo(_json(found))
    if found[-1].interrupted:
        return tell_interrupted(f"{counted(len(found[-1].runs), 'replication')} of {found[-1].scenario.name} are done")
    return 0 if all(each.consistent for each in found) else BROKEN


def _print_replications(found: Replications) -> None:
    from vmfailover.report.replications_table import print_replications

    print_replications(found, console())


def _folders(scenarios: Sequence[Scenario], out: Path | None, *, replicated: bool) -> list[Path | None]:
    """Return where the files of each scenario go, all of which can be written to."""
    if out is None:
        return [None] * len(scenarios)
    one, several = (REPLICATIONS, SEVERAL_REPLICATIONS) if replicated else (RUN, RUNS)
    require_own(out, one if len(scenarios) == 1 else several)
    if len(scenarios) == 1:
        return [out]
    names = [scenario.name for scenario in scenarios]
    for scenario in scenarios:
        _require_folder_name(scenario, names.count(scenario.name))
    folders = [out / name for name in names]
    for folder in folders:
        require_own(folder, one)
    return [*folders]


def _require_folder_name(scenario: Scenario, uses: int) -> None:
    if Path(scenario.name).name != scenario.name:
        raise InputError(f"{scenario.path}: name: {scenario.name!r} cannot name a folder of --out; choose another name")
    if uses > 1:
        raise InputError(
            f"{scenario.path}: name: {scenario.name!r} is the name of {uses} scenarios; --out needs different ones"
        )


def _results(scenarios: Sequence[Scenario], folders: Sequence[Path | None], *, summarise: bool) -> Iterator[RunResult]:
    """Run the scenarios in turn, printing and saving each as it ends; an interrupted one is the last."""
    for scenario, folder in zip(scenarios, folders, strict=True):
        result = followed(scenario)
        try:
            if folder is not None:
                export(result, folder)
        finally:
            if summarise:
                _summarise(result)
        yield result
        if result.interrupted:
            return


def _summarise(result: RunResult) -> None:
    from vmfailover.report.summary import print_summary

    print_summary(result, console())


def _json(results: Sequence[RunResult] | Sequence[Replications]) -> str:
    texts = [result.to_json() for result in results]
    return texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]"


def _verdict(results: Sequence[RunResult]) -> int:
    """Name every broken invariant on stderr; return the exit code."""
    for result in results:
        for verdict in result.verdicts:
            if verdict.broken:
                complain(f"{result.scenario.name}: invariant {verdict.name} is broken: {verdict.detail}")
    if any(result.interrupted for result in results):
        return INTERRUPTED
    return 0 if all(result.consistent for result in results) else BROKEN
