"""`vmfailover trace`: memory-access traces."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmfailover.cli import trace_fit
from vmfailover.cli.capture import command as capture
from vmfailover.cli.options import PATH, SET, Quantity
from vmfailover.cli.trace_tables import about, conversion_table, lines
from vmfailover.files.whole_file import require_file_writable

if TYPE_CHECKING:
    from vmfailover.studies.trace_statistics import TraceStatistics
    from vmfailover.traces.metadata import TraceMetadata


@click.group("trace")
def command() -> None:
    """Look into memory-access traces, make them of what runs or of other tools' recordings, and fit guests to them."""


command.add_command(capture)
command.add_command(trace_fit.command)


@command.command("stats")
@click.argument("trace", type=PATH)
@click.option(
    "--hierarchy", "preset", default="power8", show_default=True, metavar="PRESET", help="Preset of the host."
)
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a key of the hierarchy: line, l1.size, l1.ways, l2.size, l2.ways, l3.… or l3=none. Repeatable.",
)
@click.option(
    "--scan-instructions", metavar="N", type=click.IntRange(min=1), help="Check the flags every N instructions."
)
@click.option(
    "--repeat", metavar="K", type=click.IntRange(min=1), default=1, help="Run K times and report the shortest time."
)
@click.option("--log", "log_path", type=PATH, help="Write the logged line addresses, in bytes, to FILE.npy.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stats(
    trace: Path,
    preset: str,
    overrides: tuple[str, ...],
    scan_instructions: int | None,
    repeat: int,
    log_path: Path | None,
    as_json: bool,
) -> None:
    """Run a TRACE through the caches of one core, without timing, and count what happens.

    The core is in the first operating mode: its stores flag their lines. All records run on it in the order of the
    file. A check of the flags follows the record with which the instructions since the last one reach N.
    """
    from vmfailover.studies.array_file import growing_array
    from vmfailover.studies.trace_statistics import hierarchy, trace_statistics
    from vmfailover.traces.format import open_trace

    host, opened = hierarchy(preset, overrides, called=SET), open_trace(trace)
    with growing_array(log_path) if log_path else nullcontext(lambda _: None) as consume:
        statistics = trace_statistics(opened, host, scan_instructions, repeat=repeat, consume=consume)
    click.echo(json.dumps(statistics.to_dict(), indent=2) if as_json else _table(statistics, opened.metadata))


@command.command("convert")
@click.argument("paths", metavar="IN... OUT.parquet", nargs=-1, required=True, type=PATH)
@click.option("--format", default="auto", show_default=True, metavar="NAME", help="Format of the inputs.")
@click.option(
    "--columns",
    metavar="SPEC",
    help="Columns of a table, by name or number: address=2:hex,op=1:R/W, and size=, thread=, instructions=, time=4:ns.",
)
@click.option(
    "--map",
    "mapping",
    type=click.Choice(("first-touch", "random", "identity")),
    help="Where pages lie in memory.  [default: identity if addresses are physical, else first-touch]",
)
@click.option(
    "--page",
    "page_bytes",
    metavar="SIZE",
    type=Quantity("SIZE"),
    default="4 KiB",
    show_default=True,
    help="Page of the mapping.",
)
@click.option(
    "--memory",
    "memory_bytes",
    metavar="SIZE",
    type=Quantity("SIZE"),
    help="Memory of the guest.  [default: as much as it takes]",
)
@click.option(
    "--threads",
    metavar="merge|vcpus|only=ID",
    help="Threads on one vCPU, one each, or one alone.  [default: vcpus if addresses are physical, else merge]",
)
@click.option("--skip", metavar="N", type=click.IntRange(min=0), default=0, help="Leave out the first N accesses.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Convert N accesses.")
@click.option(
    "--instructions-per-access",
    metavar="X",
    type=float,
    help="Instructions that an access stands for.  [default: as recorded, or 3]",
)
@click.option(
    "--clock",
    "clock_hz",
    metavar="F",
    type=Quantity("FREQUENCY"),
    help="Instructions from recorded times, at a clock such as 3 GHz.",
)
@click.option("--cpi", metavar="X", type=float, help="Cycles an instruction, with --clock.")
@click.option(
    "--assume-size", metavar="N", type=int, default=1, show_default=True, help="Bytes of an access of unknown size."
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=1, show_default=True, help="For --map random.")
@click.option("--strict/--tolerant", "strict", default=True, help="Refuse what is no record, or count it.  [strict]")
@click.option("--dry-run", is_flag=True, help="Count, and write nothing; OUT may be missing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def convert(paths: tuple[Path, ...], strict: bool, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Convert recordings IN of another program, of one format, to the trace OUT.parquet.

    Formats: qemu-plugin, lackey, columns, drmemtrace, champsim, gem5, din, xdin, pinatrace, execlog; compressed with
    gz, zst, xz or bz2 or not. A folder is one of drmemtrace, - is stdin. The format is told by the first 64 KiB.
    """
    from vmfailover.cli.progress import counted_bar
    from vmfailover.traces.convert import convert as converted

    inputs, out = _inputs_and_output(paths, dry_run)
    with counted_bar("converting") as progress:
        result = converted(inputs, out, progress=progress, tolerant=not strict, **given)
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else conversion_table(result))


@command.command("generate")
@click.argument("workload", metavar="WORKLOAD.yaml", type=PATH)
@click.argument("out", metavar="OUT.parquet", type=PATH)
@click.option("--accesses", metavar="N", type=click.IntRange(1, 10**12), required=True, help="Write the first N.")
@click.option(
    "--vcpus", metavar="N", type=click.IntRange(1, 256), help="vCPUs of the VM.  [default: the scenario's, or 1]"
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), help="Seed.  [default: the scenario's, or 1]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def generate(workload: Path, out: Path, as_json: bool, **given: Any) -> None:
    """Write what a WORKLOAD executes as the trace OUT.parquet.

    The file has a workload's keys, or is a scenario, whose guest executes just that. Idle time is not in the trace.
    """
    from vmfailover.cli.progress import counted_bar
    from vmfailover.studies.trace_generation import generate_trace

    require_file_writable(out, "OUT")
    with counted_bar("generating") as progress:
        metadata = generate_trace(workload, out, progress=progress, **given)
    click.echo(metadata.to_json() if as_json else lines([("accesses", f"{metadata.accesses:,}"), *about(metadata)]))


def _inputs_and_output(paths: tuple[Path, ...], dry_run: bool) -> tuple[list[Path], Path | None]:
    """Tell inputs from the output, the last path, which may be missing in a dry run, and is not written there."""
    if len(paths) == 1:
        if dry_run:
            return [*paths], None
        raise click.UsageError("Missing the file to write: give IN... OUT.parquet, or --dry-run.")
    *inputs, out = paths
    if not dry_run:
        require_file_writable(out, "OUT")
    return inputs, None if dry_run else out


def _table(statistics: "TraceStatistics", metadata: "TraceMetadata") -> str:
    return "\n\n".join(map(lines, [_rows(statistics), about(metadata)]))


def _rows(statistics: "TraceStatistics") -> list[tuple[str, str]]:
    from vmfailover.results.quantities import count, duration, short_count, size

    def counts(*names: str) -> list[tuple[str, str]]:
        return [(name.replace("_", " "), count(getattr(statistics, name))) for name in names]

    dirtied = statistics.bytes_dirtied.items()
    return [
        *counts("records", "instructions", "accesses", "loads", "stores"),
        *([] if statistics.idle_share is None else [("share of idle time", f"{100 * statistics.idle_share:.3g} %")]),
        ("", ""),
        *counts("l1_load_hits", "l2_hits", "l2_misses", "l3_hits", "writebacks", "dirty_at_end"),
        ("", ""),
        *counts("log_entries", "log_castout", "log_scan", "log_distinct", "scans"),
        ("", ""),
        *((f"dirtied in pieces of {piece}", "not in the trace" if n is None else size(n)) for piece, n in dirtied),
        ("", ""),
        ("time in the kernel", duration(statistics.seconds * 1e9)),
        ("accesses a second", short_count(statistics.accesses_per_second)),
        ("records a second", short_count(statistics.records_per_second)),
    ]
