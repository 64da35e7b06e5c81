"""The runs of a study in a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vmfailover.results.stored import object_in, refused
from vmfailover.studies.runs import MEASURED, StudyRun

#: The file in the folder of a study.
RUNS = "runs.json"


def write_runs(runs: Sequence[StudyRun], path: Path) -> None:
    """Write all that there is to know of runs to a file."""
    content = {"runs": [asdict(run) for run in runs]}
    path.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def read_runs(path: Path, remedy: str) -> tuple[StudyRun, ...]:
    """Return the runs that `write_runs` has written; raise InputError, with a remedy, if the file is damaged."""
    content = object_in(path, remedy)
    try:
        return tuple(_run(entry) for entry in content["runs"])
    except (KeyError, TypeError, AttributeError) as error:
        raise refused(path, f"is damaged ({error!r})", remedy) from None


def _run(entry: Mapping[str, Any]) -> StudyRun:
    return StudyRun(
        label=entry["label"],
        replication=entry["replication"],
        seed=entry["seed"],
        values={metric: entry["values"][metric] for metric in MEASURED} if entry["values"] else {},
        broken=tuple(entry["broken"]),
        remarks=tuple(entry["remarks"]),
        error=entry["error"],
    )
