"""The folder that replications leave behind: their summary, their runs, a table of them and the scenario."""

from pathlib import Path

from vmfailover.results.export import fill_folder
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.replication import Replications
from vmfailover.studies.runs_file import RUNS, write_runs

#: What `--json` prints.
SUMMARY = "replications.json"
SCENARIO = "scenario.yaml"
_TABLE = "replications.parquet"
#: The files of a folder.
FILES = (SUMMARY, RUNS, _TABLE, SCENARIO)


def export_replications(found: Replications, folder: Path) -> None:
    """Write the files of replications to a folder, as `vmfailover.results.export.fill_folder` does."""
    fill_folder(folder, FILES, lambda unfinished: _write(found, unfinished))


def _write(found: Replications, folder: Path) -> None:
    (folder / SUMMARY).write_text(found.to_json() + "\n", encoding="utf-8")
    write_runs(found.runs, folder / RUNS)
    found.frame.to_parquet(folder / _TABLE, compression="zstd", index=False)
    write_scenario(found.scenario, folder / SCENARIO)
