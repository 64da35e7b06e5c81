"""`vmfailover trace`: memory-access traces."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmfailover.cli.options import PATH, SET

if TYPE_CHECKING:
    from vmfailover.studies.trace_statistics import TraceStatistics


@click.group("trace")
def command() -> None:
    """Look into memory-access traces."""


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
    click.echo(json.dumps(statistics.to_dict(), indent=2) if as_json else _table(statistics))


def _table(statistics: "TraceStatistics") -> str:
    rows = _rows(statistics)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value:>15}" if name else "" for name, value in rows)


def _rows(statistics: "TraceStatistics") -> list[tuple[str, str]]:
    from vmfailover.results.quantities import count, duration, short_count, size

    def counts(*names: str) -> list[tuple[str, str]]:
        return [(name.replace("_", " "), count(getattr(statistics, name))) for name in names]

    dirtied = statistics.bytes_dirtied.items()
    return [
        *counts("records", "instructions", "accesses", "loads", "stores"),
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
