"""What an exploration has found so far, in a file that survives an interruption."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vmfailover.errors import ParameterError
from vmfailover.files.regular_file import read_regular
from vmfailover.files.whole_file import write_whole

#: The file in the folder of an exploration.
FILE = "runs.jsonl"


class Store:
    """One JSON object a line: what the runs are of, then each run. Without a folder, nothing is kept."""

    def __init__(self, folder: Path | None, about: dict[str, Any]) -> None:
        """Go on with the file in a folder if it is of the same runs; raise InputError if it is of others."""
        self._path = folder / FILE if folder is not None else None
        self._entries: list[dict[str, Any]] = []
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self._resume(about)
        else:
            write_whole(self._path, _lines([about]))

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the runs that were there."""
        yield from self._entries

    def append(self, entries: Sequence[dict[str, Any]]) -> None:
        """Keep some runs."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_lines(entries))

    def _resume(self, about: dict[str, Any]) -> None:
        """Read what is there, and drop a last line that was not written to its end."""
        assert self._path is not None
        try:
            lines = read_regular(self._path).decode().split("\n")
            found = [json.loads(line) for line in lines[:-1]]
        except ValueError:
            found = [None]
        if not found or found[0] != about:
            raise ParameterError(
                "out", "is of another scenario or version", about=self._path, remedy="give {out} another folder"
            )
        self._entries = found[1:]
        if lines[-1]:
            write_whole(self._path, _lines(found))


def _lines(entries: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)
