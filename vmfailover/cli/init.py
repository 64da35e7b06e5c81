"""`vmfailover init`: write a scenario to start from."""

import os
from pathlib import Path

import click

from vmfailover.cli.options import PATH, tell
from vmfailover.errors import InputError
from vmfailover.files.whole_file import write_whole
from vmfailover.scenario.guests import guest_names, template_text


@click.command("init")
@click.argument("file", type=PATH)
@click.option("--guest", type=click.Choice(guest_names()), help="Take the workload of a guest that was recorded.")
def command(file: Path, guest: str | None) -> None:
    """Write a commented scenario to FILE, which must not exist yet."""
    if os.path.lexists(file):
        raise InputError(f"{file}: exists already; choose another name")
    write_whole(file, template_text(guest))
    tell(f"{file}: written; run it with `vmfailover run {file}`")
