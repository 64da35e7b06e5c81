"""The report of whatever a folder of `--out` holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vmfailover.errors import InputError
from vmfailover.report.html.comparison_report import comparison_report
from vmfailover.report.html.page import Page
from vmfailover.report.html.replications_report import replications_report
from vmfailover.report.html.run_page import run_page
from vmfailover.report.html.sweep_report import sweep_report
from vmfailover.results.export import REST
from vmfailover.results.reading import read
from vmfailover.studies import comparison_export, replication_export, sweep_store
from vmfailover.studies.comparison_reading import read_comparison
from vmfailover.studies.replication_reading import read_replications
from vmfailover.studies.sweep_reading import read_sweep


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of folder."""

    #: The file that only such a folder has.
    file: str
    page: Callable[[Path], Page]
    #: What its page is called in it; readers of Parquet datasets, such as sweeps are, pass over names with `_`.
    page_name: str = "report.html"


_KINDS = (
    _Kind(REST, lambda folder: run_page(read(folder))),
    _Kind(sweep_store.ABOUT, lambda folder: sweep_report(read_sweep(folder)), "_report.html"),
    _Kind(comparison_export.SUMMARY, lambda folder: comparison_report(read_comparison(folder))),
    _Kind(replication_export.SUMMARY, lambda folder: replications_report(read_replications(folder))),
)


def folder_page(folder: Path) -> Page:
    """Return the report of a folder; raise InputError if there is nothing in it to report on, or it is damaged."""
    return _kind_of(folder).page(folder)


def page_path(folder: Path) -> Path:
    """Return where in a folder its page belongs; raise InputError if there is nothing in it to report on."""
    return folder / _kind_of(folder).page_name


def _kind_of(folder: Path) -> _Kind:
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; give one that a command has made with --out")
    kinds = _kinds_in(folder)
    if len(kinds) > 1:
        files = " and ".join(kind.file for kind in kinds)
        raise InputError(f"{folder}: holds what several commands have made, {files}; keep the files of one of them")
    if kinds:
        return kinds[0]
    several = sorted(path for path in folder.iterdir() if path.is_dir() and _kinds_in(path))
    if several:
        raise InputError(f"{folder}: holds several folders; give one of them, such as {several[0]}")
    files = ", ".join(kind.file for kind in _KINDS)
    raise InputError(f"{folder}: has none of {files}; give a folder that run, compare or sweep has made with --out")


def _kinds_in(folder: Path) -> list[_Kind]:
    return [kind for kind in _KINDS if (folder / kind.file).is_file()]
