"""`vmfailover init`: write a scenario to start from."""

import os
from importlib.resources import files
from pathlib import Path

import click

from vmfailover.cli.options import PATH, tell
from vmfailover.errors import InputError
from vmfailover.files.whole_file import write_whole


@click.command("init")
@click.argument("file", type=PATH)
def command(file: Path) -> None:
    """Write a commented scenario to FILE, which must not exist yet."""
    if os.path.lexists(file):
        raise InputError(f"{file}: exists already; choose another name")
    write_whole(file, (files("vmfailover.scenario") / "template.yaml").read_text(encoding="utf-8"))
    tell(f"{file}: written; run it with `vmfailover run {file}`")
