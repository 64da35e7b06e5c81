"""Replications that were saved earlier, or on another machine."""

from os import PathLike
from pathlib import Path

from vmfailover.results.stored import object_in, refused, require_version
from vmfailover.scenario.writing import read_back
from vmfailover.studies.replication import Replications
from vmfailover.studies.replication_export import SCENARIO, SUMMARY
from vmfailover.studies.runs_file import RUNS, read_runs

#: What to do about a damaged folder.
_REMEDY = "run the replications again"


def read_replications(folder: str | PathLike[str]) -> Replications:
    """Return what `vmfailover run --replications N --out FOLDER` has saved.

    Raises InputError if the folder is not one of replications, is damaged, or of another version.
    """
    path = Path(folder)
    summary = object_in(path / SUMMARY, _REMEDY)
    require_version(summary.get("vmfailover_version"), path / SUMMARY, _REMEDY)
    scenario, runs = read_back(path / SCENARIO), read_runs(path / RUNS, _REMEDY)
    try:
        found = Replications(scenario, runs, summary["stop_reason"], summary.get("interrupted", False))
        whole = summary["scenario"]["hash"] == scenario.hash and summary["seeds"] == [run.seed for run in runs]
    except (KeyError, TypeError) as error:
        raise refused(path / SUMMARY, f"is damaged ({error!r})", _REMEDY) from None
    if not whole:
        raise refused(path, "has the files of different replications", _REMEDY)
    return found
