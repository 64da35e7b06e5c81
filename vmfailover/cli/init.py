"""`vmfailover init`: write a scenario to start from."""

from importlib.resources import files
from pathlib import Path

import click

from vmfailover.errors import InputError


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Write a commented scenario to FILE, which must not exist yet."""
    template = (files("vmfailover.scenario") / "template.yaml").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(template)
    except FileExistsError:
        raise InputError(f"{file}: exists already; choose another name") from None
    click.echo(f"{file}: written; run it with `vmfailover run {file}`")
