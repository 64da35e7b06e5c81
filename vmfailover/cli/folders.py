"""Folders of `--out`: each belongs to the command that has made it."""

from pathlib import Path

from vmfailover.errors import InputError
from vmfailover.results.export import REST, require_writable
from vmfailover.studies import comparison_export, exploration_store, replication_export, sweep_store

#: What makes folders, as people write it.
RUN, RUNS = "`vmfailover run`", "`vmfailover run` of several scenarios"
REPLICATIONS, SEVERAL_REPLICATIONS = (
    "`vmfailover run --replications`",
    "`vmfailover run --replications` of several scenarios",
)
COMPARE, SWEEP, EXPLORE = "`vmfailover compare`", "`vmfailover sweep`", "`vmfailover explore`"

#: The files that only the folder of a command has.
_SIGNS = {
    RUN: REST,
    REPLICATIONS: replication_export.SUMMARY,
    COMPARE: comparison_export.SUMMARY,
    SWEEP: sweep_store.ABOUT,
    EXPLORE: exploration_store.FILE,
}
#: The files that its folders have, a scenario each, and that say nothing of a folder with a sign of its own.
_SIGNS_BELOW = {RUNS: f"*/{REST}", SEVERAL_REPLICATIONS: f"*/{replication_export.SUMMARY}"}


def require_own(folder: Path, command: str) -> None:
    """Raise InputError unless results of a command, one of the above, can be written to a folder, which need not exist.

    A folder that has those of another command is refused: readers could not tell whose files are whose.
    """
    require_writable(folder)
    owners = _owners(folder, _SIGNS) or _owners(folder, _SIGNS_BELOW)
    for owner in owners:
        if owner != command:
            raise InputError(f"{folder}: holds what {owner} has made, and belongs to it; give --out another folder")


def _owners(folder: Path, signs: dict[str, str]) -> list[str]:
    return [owner for owner, sign in signs.items() if any(folder.glob(sign))]
