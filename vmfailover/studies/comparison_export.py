"""The folder that a comparison leaves behind: its summary, a table of its runs, and its picture."""

from pathlib import Path

from vmfailover.results.export import fill_folder
from vmfailover.studies.comparison import Comparison

#: The files of a folder.
FILES = ("comparison.json", "comparison.parquet", "comparison.png")


def export_comparison(comparison: Comparison, folder: Path) -> None:
    """Write the files of a comparison to a folder, as `vmfailover.results.export.fill_folder` does."""
    fill_folder(folder, FILES, lambda unfinished: _write(comparison, unfinished))


def _write(comparison: Comparison, folder: Path) -> None:
    from vmfailover.report.figures.comparison_bars import save_comparison

    summary, table, picture = FILES
    (folder / summary).write_text(comparison.to_json() + "\n", encoding="utf-8")
    comparison.frame.to_parquet(folder / table, compression="zstd", index=False)
    save_comparison(comparison, folder / picture)
