"""`vmfailover trace capture`: traces of what runs."""

import json
from pathlib import Path
from typing import Any

import click

from vmfailover.cli.options import PATH, tell_interrupted
from vmfailover.cli.trace_tables import conversion_table
from vmfailover.files.whole_file import require_file_writable


@click.command("capture", context_settings={"allow_interspersed_args": False})
@click.option("--out", required=True, metavar="FILE.parquet", type=PATH, help="The trace to write.")
@click.option("--vm", "kind", flag_value="vm", help="COMMAND starts QEMU: record its guest.")
@click.option("--process", "kind", flag_value="process", help="COMMAND is a program: record it.")
@click.option("--skip", metavar="N", type=click.IntRange(min=0), default=0, help="Leave out the first N accesses.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Record N accesses, then end the command.")
@click.option("--marker", is_flag=True, help="Record only between the marks of traces/capture/marker.c.")
@click.option(
    "--recorder",
    type=click.Choice(("emulator", "valgrind")),
    help="What records a process.  [default: the user-mode emulator, or else Valgrind]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("command_line", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def command(kind: str | None, out: Path, command_line: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Run COMMAND, and write a trace of its accesses to memory to FILE.parquet.

    With --vm, COMMAND is the line that starts a guest in QEMU, which gets a plug-in that is compiled with cc:
    loads and stores of all vCPUs at guest-physical addresses, their instructions, and the time that they idle. Give
    QEMU -icount shift=0,sleep=off, or the guest's clock runs with the host's while it is emulated, slowly. With
    --process, COMMAND is a program, and addresses are virtual.

    Not seen are what devices write into the guest's memory (DMA) and the frames that interrupts push; of a process,
    what the kernel does for it, and processes that it starts.

    Ctrl-C ends the command, and writes what was recorded by then; so does --limit. What COMMAND prints goes to stderr.
    If it fails, nothing is written.
    """
    from vmfailover.cli.progress import growing_count
    from vmfailover.traces.capture import capture

    if kind is None:
        raise click.UsageError("Say what COMMAND is: --vm, QEMU with a guest, or --process, a program.")
    require_file_writable(out, "--out")
    with growing_count("accesses recorded") as progress:
        result = capture(command_line, out, kind, progress=progress, **given)
    lines = [conversion_table(result.conversion), "", *result.notes]
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else "\n".join(lines))
    if result.interrupted:
        raise click.exceptions.Exit(tell_interrupted(f"{out} has what was recorded by then"))
