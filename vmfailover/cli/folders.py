"""Folders of `--out`: each belongs to the command that has made it."""

from pathlib import Path

from vmfailover.errors import InputError
from vmfailover.results.export import REST, require_writable
from vmfailover.studies import comparison_export, exploration_store, replication_export, sweep_store

RUN, RUNS = "run", "run of several scenarios"
REPLICATIONS, SEVERAL_REPLICATIONS = "run --replications", "run --replications of several scenarios"
COMPARE, SWEEP, EXPLORE = "compare", "sweep", "explore"

#: The files that only the folder of a command has.
_SIGNS = {
    RUN: REST,
    RUNS: f"*/{REST}",
    REPLICATIONS: replication_export.SUMMARY,
    SEVERAL_REPLICATIONS: f"*/{replication_export.SUMMARY}",
    COMPARE: comparison_export.SUMMARY,
    SWEEP: sweep_store.ABOUT,
    EXPLORE: exploration_store.FILE,
}


def require_own(folder: Path, command: str) -> None:
    """Raise InputError unless results of a command, one of the above, can be written to a folder, which need not exist.

    A folder that has those of another command is refused: readers could not tell whose files are whose.
    """
    require_writable(folder)
    for owner, sign in _SIGNS.items():
        if owner != command and any(folder.glob(sign)):
            raise InputError(
                f"{folder}: holds what `vmfailover {owner}` has made, and belongs to it; give --out another folder"
            )
