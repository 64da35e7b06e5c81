"""`vmfailover report`: a page that shows what a folder of --out holds."""

from pathlib import Path

import click

from vmfailover.results.export import require_file_writable

#: The page in the folder, if not said otherwise.
PAGE = "report.html"


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help=f"Write the page to this file.  [default: DIR/{PAGE}]")
def command(folder: Path, output: Path | None) -> None:
    """Write one HTML file, which needs no network, about the run that `vmfailover run --out DIR` has saved."""
    from vmfailover.report.html.folder_page import folder_page
    from vmfailover.report.html.page import render

    page = folder_page(folder)
    path = output or folder / PAGE
    require_file_writable(path, "--output")
    path.write_text(render(page), encoding="utf-8")
    click.echo(path)
