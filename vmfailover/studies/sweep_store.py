"""The folder of a sweep: a Parquet dataset with one file a point, each of which is there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.errors import InputError
from vmfailover.results.metric_values import Value
from vmfailover.results.stored import refused, table_in
from vmfailover.scenario import Scenario
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.runs import MEASURED

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What the points are of; readers of Parquet datasets pass over names that begin so.
ABOUT = "_sweep.json"
#: The scenario that the points vary.
SCENARIO = "_scenario.yaml"
#: The files of points.
POINTS = "point-*.parquet"
_FILE = "point-{:06d}.parquet"
#: Metrics that are truth values.
_TRUTHS = ("image.consistent",)


#: The value of a key: a number in base units, or text; None where there is none.
KeyValue = float | str | None


@dataclass(frozen=True, slots=True)
class PointResult:
    """What came of a point."""

    #: None where a metric has no value; empty if the point could not be run.
    metrics: Mapping[str, Value]
    #: Why it could not be run; empty if it could.
    error: str
    #: The invariants that are broken, with their details; empty if none is.
    broken: str


class Store:
    """Keeps the rows of a sweep, in a folder or in memory."""

    def __init__(
        self, folder: Path | None, scenario: Scenario, about: Mapping[str, Any], kinds: Mapping[str, type]
    ) -> None:
        """Begin, or go on with what is in the folder; raise InputError if that is of another sweep, or damaged.

        `kinds` says of each key whether its values are numbers, `float`, or text, `str`.
        """
        self._folder = folder
        self._kinds = kinds
        self._rows: dict[int, dict[str, Any]] = {}
        if folder is None:
            return
        text = json.dumps(about, indent=2, sort_keys=True) + "\n"
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / ABOUT).exists():
            if (folder / ABOUT).read_text(encoding="utf-8") != text:
                raise InputError(f"{folder}: is of another sweep or version; give --out another folder")
            self._resume()
        elif any(path != _unfinished(folder / ABOUT) for path in folder.iterdir()):
            raise InputError(f"{folder}: is not empty and not of a sweep; give --out another folder")
        else:
            _replace(folder / ABOUT, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))
        _replace(folder / SCENARIO, lambda unfinished: write_scenario(scenario, unfinished))

    def done(self) -> set[int]:
        """Return the numbers of the points that are there."""
        return set(self._rows)

    def add(self, number: int, keys: Mapping[str, KeyValue], result: PointResult) -> None:
        """Keep a point; it is on the disk when this returns."""
        import pyarrow as pa

        row = {"point": number, **keys, "error": result.error, "broken": result.broken, **result.metrics}
        table = pa.Table.from_pylist([row], schema=self._schema())
        if self._folder is not None:
            import pyarrow.parquet as pq

            _replace(self._folder / _FILE.format(number), lambda unfinished: pq.write_table(table, unfinished))
        self._rows[number] = table.to_pylist()[0]

    def frame(self) -> pd.DataFrame:
        """Return all points, in order of their numbers."""
        import pandas as pd
        import pyarrow as pa

        rows = [self._rows[number] for number in sorted(self._rows)]
        return pd.DataFrame(pa.Table.from_pylist(rows, schema=self._schema()).to_pandas())

    def _resume(self) -> None:
        assert self._folder is not None
        for unfinished in self._folder.glob(".*"):
            unfinished.unlink()
        for path in sorted(self._folder.glob(POINTS)):
            row = point_in(path).to_pylist()[0]
            self._rows[row["point"]] = row

    def _schema(self) -> pa.Schema:
        """The columns, the same for every point."""
        import pyarrow as pa

        kinds = {float: pa.float64(), str: pa.string()}
        keys = [pa.field(key, kinds[kind]) for key, kind in self._kinds.items()]
        return pa.schema([pa.field("point", pa.int64()), *keys, *_result_fields()])


def point_in(path: Path) -> pa.Table:
    """Return the row of a point that a `Store` has kept in a file; raise InputError if it holds no such row."""
    remedy = "delete the file, and run the same sweep again"
    table, fields = table_in(path, remedy), _result_fields()
    if list(table.schema)[-len(fields) :] != fields or [_FILE.format(n) for n in table["point"].to_pylist()] != [
        path.name
    ]:
        raise refused(path, "does not hold the point of its name", remedy)
    return table


def _result_fields() -> list[pa.Field]:
    """Return the columns for what came of a point, which follow its number and its keys."""
    import pyarrow as pa

    fields = [pa.field("error", pa.string()), pa.field("broken", pa.string())]
    for name in MEASURED:
        if name in _TRUTHS:
            fields.append(pa.field(name, pa.bool_()))
        else:
            fields += [pa.field(name, pa.float64()), pa.field(f"{name}.half_width", pa.float64())]
    return fields


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, and put it there at once."""
    write(_unfinished(path))
    os.replace(_unfinished(path), path)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}")
