"""The report of whatever a folder of `--out` holds."""

from pathlib import Path

from vmfailover.errors import InputError
from vmfailover.report.html.page import Page
from vmfailover.report.html.run_page import run_page
from vmfailover.results.reading import is_run, read


def folder_page(folder: Path) -> Page:
    """Return the report of a folder; raise InputError if there is nothing in it to report on."""
    several = sorted(path for path in folder.iterdir() if is_run(path)) if folder.is_dir() else []
    if several and not is_run(folder):
        raise InputError(f"{folder}: holds several runs; give one of them, such as {several[0]}")
    return run_page(read(folder))
