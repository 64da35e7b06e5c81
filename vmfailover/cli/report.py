"""`vmfailover report`: a page that shows what a folder of --out holds."""

from pathlib import Path

import click

from vmfailover.results.export import require_file_writable
from vmfailover.results.whole_file import write_whole


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
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
    click.echo(path)
