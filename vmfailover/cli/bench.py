"""`vmfailover bench`: measure the speed of the simulator on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmfailover.cli.options import PATH, scenario_in, set_option

if TYPE_CHECKING:
    from vmfailover.scenario import Scenario
    from vmfailover.studies.measurement import Measurement

#: Version of what `--json` prints; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1
#: What is measured if no scenario is given and there is such a file here.
QUICKSTART = Path("scenarios/quickstart.yaml")


@click.command("bench")
@click.argument("scenario", required=False, type=PATH)
@set_option
@click.option(
    "--repeat", metavar="N", type=click.IntRange(min=1), default=5, show_default=True, help="Measure N times."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(scenario: Path | None, overrides: tuple[str, ...], repeat: int, as_json: bool) -> None:
    """Measure the speed of the simulator on this machine, with the workload and the hosts of SCENARIO.

    Without SCENARIO that is scenarios/quickstart.yaml, or where there is none the synthetic guest of `vmfailover
    init`. The kernel runs one core with L1 and L2 alone, its records being in memory, in the first operating mode and
    with versions kept for verification: without checks of the flags, with one every 1,000,000 instructions, and with
    the audit of a run besides. A run that is executed shows the share of its time that the sampled one takes for as
    much simulated time, with checkpoints of 10 ms and no clients. Two guests at once run longer than one of them alone
    does by the share that is printed for that one. Rates are those of the fastest of N samples, which follow one that
    does not count.
    """
    import json

    from vmfailover.studies.benchmarks import benchmarks

    with _file(scenario) as path:
        loaded = scenario_in(path, overrides)
        measured = []
        for benchmark in benchmarks(loaded, path, overrides):
            click.echo(f"measuring {benchmark.name}", err=True)
            measured.append(benchmark.measure(repeat))
    click.echo(json.dumps(_record(loaded, measured), indent=2) if as_json else _table(loaded, measured))


@contextmanager
def _file(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
    elif QUICKSTART.exists():
        click.echo(f"measuring with {QUICKSTART}, as no scenario is given", err=True)
        yield QUICKSTART
    else:
        click.echo("measuring with the synthetic guest of `vmfailover init`, as no scenario is given", err=True)
        with as_file(files("vmfailover.scenario") / "template.yaml") as template:
            yield template


def _record(scenario: "Scenario", measured: Sequence["Measurement"]) -> dict[str, Any]:
    import platform

    from vmfailover.results.json_result import about

    packages = ("vmfailover", "numba", "numpy", "pyarrow")
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": {"processor": platform.machine(), "system": platform.system(), "python": platform.python_version()},
        "packages": {name: metadata.version(name) for name in packages},
        "scenario": about(scenario),
        "measurements": [measurement.to_dict() for measurement in measured],
    }


def _table(scenario: "Scenario", measured: Sequence["Measurement"]) -> str:
    header = ("", "best", "median", "records/s", "accesses/s", "")
    rows = [header, *(_row(measurement) for measurement in measured)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join([_title(scenario, measured), "", *(_line(row, widths) for row in rows)])


def _title(scenario: "Scenario", measured: Sequence["Measurement"]) -> str:
    from vmfailover.scenario.units import SIZE
    from vmfailover.studies.benchmarks import kernel_host

    host = kernel_host(scenario)
    caches = f"L1 {SIZE.format(host.l1.size)}, L2 {SIZE.format(host.l2.size)}, lines of {host.line} B"
    return f"{scenario.name} · kernel: one core, {caches} · best and median of {len(measured[0].samples)}"


def _row(measurement: "Measurement") -> tuple[str, ...]:
    from vmfailover.results.quantities import duration, share, short_count

    return (
        measurement.name,
        duration(measurement.best.seconds * 1e9),
        duration(measurement.median_seconds * 1e9),
        short_count(measurement.records_per_second),
        short_count(measurement.accesses_per_second),
        ", ".join(f"{name} {share(part)}" for name, part in measurement.shares.items() if part < 1),
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = row
    middle = (f"{text:>{width}}" for text, width in zip(numbers, widths[1:-1], strict=True))
    return "  ".join([f"{first:{widths[0]}}", *middle, last]).rstrip()
