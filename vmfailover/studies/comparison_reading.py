"""Comparisons that were saved earlier, or on another machine."""

from os import PathLike
from pathlib import Path
from typing import Any

from vmfailover.results.stored import object_in, refused, require_version
from vmfailover.scenario.writing import read_back
from vmfailover.studies.comparison import Comparison
from vmfailover.studies.comparison_export import SUMMARY, scenario_file
from vmfailover.studies.runs_file import RUNS, read_runs

#: What to do about a damaged folder.
_REMEDY = "run the comparison again"


def read_comparison(folder: str | PathLike[str]) -> Comparison:
    """Return the comparison that `vmfailover compare --out FOLDER` has saved.

    Raises InputError if the folder is not one of a comparison, is damaged, or of another version.
    """
    path = Path(folder)
    summary = object_in(path / SUMMARY, _REMEDY)
    require_version(summary.get("vmfailover_version"), path / SUMMARY, _REMEDY)
    try:
        found = _comparison(path, summary)
        _require_whole(found, summary["columns"], path)
    except (KeyError, TypeError, AttributeError) as error:
        raise refused(path / SUMMARY, f"is damaged ({error!r})", _REMEDY) from None
    return found


def _comparison(folder: Path, summary: dict[str, Any]) -> Comparison:
    return Comparison(
        scenarios={name: read_back(folder / scenario_file(at)) for at, name in enumerate(summary["columns"])},
        baseline=summary["baseline"],
        replications=summary["replications"],
        runs=read_runs(folder / RUNS, _REMEDY),
        impossible=dict(summary["impossible"].items()),
        interrupted=summary.get("interrupted", False),
    )


def _require_whole(found: Comparison, columns: dict[str, Any], folder: Path) -> None:
    """Raise InputError unless the files are of one comparison."""
    if found.baseline not in columns:
        raise refused(folder / SUMMARY, "is without its baseline", _REMEDY)
    for at, (name, scenario) in enumerate(found.scenarios.items()):
        if scenario.hash != columns[name]["scenario"]["hash"]:
            raise refused(folder / scenario_file(at), f"is not the scenario of {name}", _REMEDY)
        if [run.seed for run in found.of(name)] != columns[name]["seeds"]:
            raise refused(folder / RUNS, f"has not the runs of {name}", _REMEDY)
