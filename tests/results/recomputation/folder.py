"""What lies in the folder of a run, as tables and plain values."""

import json
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

#: A metric's value, None where there is none.
Values = dict[str, Any]
#: A row of a table, with its columns as attributes.
Row = SimpleNamespace


class Folder:
    """The folder of a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rest: dict[str, Any] = json.loads((path / "run.json").read_text(encoding="utf-8"))
        #: The scenario with all its defaults, in base units.
        self.settings: dict[str, Any] = self.rest["settings"]
        self.end_ns: int = self.rest["end_ns"]

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self._path / f"{name}.parquet", dtype_backend="pyarrow")

    def _rows(self, name: str) -> list[Row]:
        return [Row(**{str(key): value for key, value in row.items()}) for row in self.table(name).to_dict("records")]

    @cached_property
    def events(self) -> list[Row]:
        return self._rows("events")

    @cached_property
    def epochs(self) -> list[Row]:
        return self._rows("epochs")

    @cached_property
    def readings(self) -> list[Row]:
        return self._rows("readings")

    @cached_property
    def progress(self) -> list[Row]:
        return self._rows("progress")

    def of_kind(self, *kinds: str) -> list[Row]:
        """Return the events of some kinds, in the order in which they happened."""
        return [event for event in self.events if event.kind in kinds]

    def reading_at(self, *kinds: str) -> Row | None:
        """Return what the counters said at the first event of some kinds; at the end, if `end` is one of them."""
        return next((each for each in self.readings if each.event in kinds), None)

    @cached_property
    def pair_begins(self) -> list[tuple[int, str, str]]:
        """When each pair of hosts began, the host with the VM, and the other."""
        return [
            (0, "primary", "secondary"),
            *((each.time_ns, each.detail, each.host) for each in self.of_kind("protected")),
        ]

    def ran_ns(self, host: str, begin_ns: int, end_ns: int) -> int:
        """Return for how long the VM ran on a host between two instants."""
        total = 0
        for begin, end in self.rest["spans"].get(host, ()):
            total += max(0, min(end, end_ns) - max(begin, begin_ns))
        return total
