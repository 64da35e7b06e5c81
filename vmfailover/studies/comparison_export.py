"""The folder that a comparison leaves behind: its summary, its runs, a table of them, its scenarios and its picture."""

from pathlib import Path

from vmfailover.display import display
from vmfailover.results.export import fill_folder
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.comparison import Comparison
from vmfailover.studies.runs_file import RUNS, write_runs

#: What `--json` prints.
SUMMARY = "comparison.json"
_TABLE = "comparison.parquet"
_PICTURE = "comparison.png"
_SCENARIO = "scenario-{}.yaml"


def export_comparison(comparison: Comparison, folder: Path) -> None:
    """Write the files of a comparison to a folder, as `vmfailover.results.export.fill_folder` does."""
    fill_folder(folder, files_of(comparison), lambda unfinished: _write(comparison, unfinished), _SCENARIO.format("*"))


def files_of(comparison: Comparison) -> list[str]:
    """Return the names of the files of a comparison's folder."""
    scenarios = [scenario_file(column) for column in range(len(comparison.names))]
    return [SUMMARY, RUNS, _TABLE, _PICTURE, *scenarios]


def scenario_file(column: int) -> str:
    """Return the name of the file with the scenario of a column, the first being 0."""
    return _SCENARIO.format(column)


def _write(comparison: Comparison, folder: Path) -> None:
    (folder / SUMMARY).write_text(comparison.to_json() + "\n", encoding="utf-8")
    write_runs(comparison.runs, folder / RUNS)
    comparison.frame.to_parquet(folder / _TABLE, compression="zstd", index=False)
    display().save_picture(comparison, folder / _PICTURE)
    for column, scenario in enumerate(comparison.scenarios.values()):
        write_scenario(scenario, folder / scenario_file(column))
