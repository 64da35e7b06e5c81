"""`vmfailover init`: write a scenario to start from."""

import os
from pathlib import Path

import click

from vmfailover.cli.options import PATH, tell
from vmfailover.errors import InputError
from vmfailover.files.whole_file import write_whole
from vmfailover.scenario.guests import guest_names, template_text
from vmfailover.scenario.site_files import detection_of, with_detection


@click.command("init")
@click.argument("file", type=PATH)
@click.option("--from", "site", type=PATH, help="Take the detection of a corosync.conf or a keepalived.conf.")
@click.option("--guest", type=click.Choice(guest_names()), help="Take the workload of a guest that was recorded.")
def command(file: Path, guest: str | None, site: Path | None) -> None:
    """Write a commented scenario to FILE, which must not exist yet."""
    if os.path.lexists(file):
        raise InputError(f"{file}: exists already; choose another name")
    text = template_text(guest)
    write_whole(file, text if site is None else with_detection(text, detection_of(site)))
    tell(f"{file}: written; run it with `vmfailover run {file}`")
