"""The folder that replications leave behind: their summary and a table of their runs."""

from pathlib import Path

from vmfailover.results.export import fill_folder
from vmfailover.studies.replication import Replications

#: The files of a folder.
FILES = ("replications.json", "replications.parquet")


def export_replications(found: Replications, folder: Path) -> None:
    """Write the files of replications to a folder, as `vmfailover.results.export.fill_folder` does."""
    fill_folder(folder, FILES, lambda unfinished: _write(found, unfinished))


def _write(found: Replications, folder: Path) -> None:
    summary, table = FILES
    (folder / summary).write_text(found.to_json() + "\n", encoding="utf-8")
    found.frame.to_parquet(folder / table, compression="zstd", index=False)
