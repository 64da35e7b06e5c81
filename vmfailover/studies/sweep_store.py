"""The folder of a sweep: a Parquet dataset with one file a point, each of which is there whole or not at all.

Each file has, beside its row, the replications of its point, so that a sweep can grow: by values, by keys and by
replications. A point is kept if its scenario, with all that is written in it or left to defaults, is the scenario of a
point of the larger sweep; then the same seeds would give the same numbers again. It keeps its number, and the numbers
of new points follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.errors import InputError, ParameterError
from vmfailover.files.whole_file import UNFINISHED, placed_whole, write_whole
from vmfailover.results.stored import object_in, refused, table_in
from vmfailover.scenario import Scenario
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.design import Point
from vmfailover.studies.sweep_points import PointResult, result_fields
from vmfailover.version import version

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What the points are of; readers of Parquet datasets pass over names that begin so.
ABOUT = "_sweep.json"
#: The scenario that the points vary.
SCENARIO = "_scenario.yaml"
#: The files of points.
POINTS = "point-*.parquet"
#: Version of the files; it changes when they hold something else.
FORMAT = 3
#: What to do about a file that cannot be read.
REMEDY = "delete the file, and run the same sweep again"
_FILE = "point-{:06d}.parquet"
#: Where in the metadata of a point's file its replications are.
_RUNS = b"vmfailover.runs"


#: The value of a key: a number in base units, or text; None where there is none.
KeyValue = float | str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep is to have."""

    scenario: Scenario
    points: Sequence[Point]
    #: What each text is as the value of a key, by the keys.
    values: Mapping[str, Mapping[str, KeyValue]]
    replications: int

    def about(self) -> dict[str, Any]:
        """Return what a folder says of its points."""
        return {
            "format": FORMAT,
            "version": version(),
            "scenario": self.scenario.hash,
            "seed": self.scenario.seed,
            "replications": self.replications,
            "points": list(self.points),
        }

    def schema(self) -> pa.Schema:
        """Return the columns, the same for every point."""
        import pyarrow as pa

        keys = [pa.field(key, _type(values.values())) for key, values in self.values.items()]
        return pa.schema([pa.field("point", pa.int64()), *keys, *result_fields()])

    def table(self, number: int, result: PointResult) -> pa.Table:
        """Return the row of a point, with its replications in the metadata."""
        import pyarrow as pa

        keys = {key: self.values[key][text] for key, text in self.points[number].items()}
        row = {"point": number, **keys, **result.columns(self.replications)}
        return pa.Table.from_pylist([row], schema=self.schema().with_metadata({_RUNS: json.dumps(result.to_dict())}))


class Store:
    """Keeps the points of a sweep, in a folder or in memory."""

    def __init__(self, folder: Path | None, plan: Plan) -> None:
        """Begin, or go on with what is in the folder, the plan being at least as large as that.

        Raises InputError if the folder is of another sweep, or damaged.
        """
        self._folder = folder
        #: What there is to be, in the order of the numbers of points.
        self.plan = plan
        self._results: dict[int, PointResult] = {}
        self._tables: dict[int, pa.Table] = {}
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / ABOUT).exists():
            self.plan = _grown(folder, plan)
        elif any(not path.name.startswith(UNFINISHED) for path in folder.iterdir()):
            raise _not_this_sweep(folder, "is not empty and not of a sweep")
        write_whole(folder / ABOUT, json.dumps(self.plan.about(), indent=2, sort_keys=True) + "\n")
        with placed_whole(folder / SCENARIO) as unfinished:
            write_scenario(plan.scenario, unfinished)
        self._resume(folder)

    def missing(self) -> Iterator[tuple[int, int]]:
        """Yield the number of each point that is to be run, and how many replications it has.

        A point that an error of the input has refused is not, but one is whose worker was killed.
        """
        for number in range(len(self.plan.points)):
            result = self._results.get(number)
            if result is None or not (result.refused or result.has(self.plan.replications)):
                yield number, len(result.runs) if result else 0

    def add(self, number: int, result: PointResult) -> None:
        """Keep a point, with these replications after those it has; it is on the disk when this returns."""
        before = self._results.get(number, PointResult(()))
        whole = replace(result, runs=before.runs + result.runs)
        table = self.plan.table(number, whole)
        self._write(number, table)
        self._results[number], self._tables[number] = whole, table

    def frame(self) -> pd.DataFrame:
        """Return all points that have their runs or an error, in order of their numbers."""
        import pandas as pd
        import pyarrow as pa

        ended = {n for n, result in self._results.items() if result.error or result.has(self.plan.replications)}
        tables = [self._tables[number] for number in sorted(ended)]
        whole = pa.concat_tables(tables) if tables else self.plan.schema().empty_table()
        return pd.DataFrame(whole.replace_schema_metadata().to_pandas())

    def _resume(self, folder: Path) -> None:
        """Read the points that are there, and write those again whose rows have come to be others."""
        for unfinished in folder.glob(f"{UNFINISHED}*"):
            unfinished.unlink()
        for path in sorted(folder.glob(POINTS)):
            table = point_in(path)
            number = table["point"][0].as_py()
            if number >= len(self.plan.points):
                raise refused(path, "is not of a point of this sweep", REMEDY)
            self._results[number] = result_in(path, table)
            self._tables[number] = self.plan.table(number, self._results[number])
            if not self._tables[number].equals(table):
                self._write(number, self._tables[number])

    def _write(self, number: int, table: pa.Table) -> None:
        if self._folder is not None:
            import pyarrow.parquet as pq

            with placed_whole(self._folder / _FILE.format(number)) as unfinished:
                pq.write_table(table, unfinished)


def point_in(path: Path) -> pa.Table:
    """Return the row of a point that a `Store` has kept in a file; raise InputError if it holds no such row."""
    table, fields = table_in(path, REMEDY), result_fields()
    if list(table.schema)[-len(fields) :] != fields or [_FILE.format(n) for n in table["point"].to_pylist()] != [
        path.name
    ]:
        raise refused(path, "does not hold the point of its name", REMEDY)
    return table


def result_in(path: Path, table: pa.Table) -> PointResult:
    """Return what came of the point that `point_in` has read; raise InputError if it is damaged."""
    try:
        return PointResult.from_dict(json.loads((table.schema.metadata or {})[_RUNS]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(path, f"is damaged ({error!r})", REMEDY) from None


def _grown(folder: Path, plan: Plan) -> Plan:
    """Return a plan in which the points of a folder have the numbers that they have there.

    Raises InputError unless all of them are in the plan.
    """
    there, wanted = object_in(folder / ABOUT, "take another folder"), plan.about()
    if any(there.get(name) != wanted[name] for name in ("format", "version", "scenario", "seed")):
        raise _not_this_sweep(folder, "is of another sweep or version")
    if there.get("points") == wanted["points"]:
        return plan
    left: dict[str, list[Point]] = {}
    for point in plan.points:
        left.setdefault(_identity(plan.scenario, point), []).append(point)
    kept = [_taken(folder, left, _identity(plan.scenario, point), point) for point in there["points"]]
    new = [point for points in left.values() for point in points]
    return Plan(plan.scenario, [*kept, *new], plan.values, plan.replications)


def _taken(folder: Path, left: dict[str, list[Point]], identity: str, point: Point) -> Point:
    """Remove the point that is the same as one of a folder from those that are left, and return it."""
    if not left.get(identity):
        values = ", ".join(f"{key}={text}" for key, text in point.items())
        raise _not_this_sweep(
            folder,
            f"is of another sweep: it has {values}, which this one has not; a sweep grows by values, by keys that keep "
            "the scenario's own value among theirs, and by replications",
        )
    return left[identity].pop(0)


def _not_this_sweep(folder: Path, reason: str) -> ParameterError:
    return ParameterError("out", reason, about=folder, remedy="give {out} another folder")


def _identity(scenario: Scenario, point: Point) -> str:
    """Return what two points have in common if and only if their runs are the same."""
    try:
        return scenario.with_(**point).hash
    except InputError:
        return json.dumps(point, sort_keys=True)


def _type(values: Any) -> pa.DataType:
    """Return text if a value of a key is, a number if not."""
    import pyarrow as pa

    return pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
