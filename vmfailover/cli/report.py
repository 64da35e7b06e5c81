"""`vmfailover report`: a page that shows what a folder of --out holds."""

from pathlib import Path

import click

from vmfailover.cli.options import PATH, tell
from vmfailover.files.whole_file import require_file_writable, write_whole


@click.command("report")
@click.argument("folder", metavar="DIR", type=PATH)
@click.option(
    "--output",
    type=PATH,
    help="Write the page to this file.  [default: DIR/report.html, of a sweep DIR/_report.html]",
)
def command(folder: Path, output: Path | None) -> None:
    """Write one HTML file, which needs no network, about what `run`, `compare` or `sweep` with `--out DIR` has saved.

    A sweep may be unfinished; its page is of the points that are there.
    """
    from vmfailover.report.html.folder_page import folder_page, page_path
    from vmfailover.report.html.page import render

    page, path = folder_page(folder), output or page_path(folder)
    require_file_writable(path, "--output")
    write_whole(path, render(page))
    tell(str(path))
