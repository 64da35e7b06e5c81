"""Sweeps that were kept earlier, or on another machine."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.results.stored import object_in, refused, require_version
from vmfailover.scenario import Scenario
from vmfailover.scenario.writing import read_back
from vmfailover.studies.sweep import Sweep
from vmfailover.studies.sweep_store import ABOUT, FORMAT, POINTS, SCENARIO, point_in, result_in

if TYPE_CHECKING:
    import pyarrow as pa

#: What to do about a folder that this version does not read.
_REMEDY = "run the sweep again into another folder"


def read_sweep(folder: str | PathLike[str]) -> Sweep:
    """Return the sweep that `vmfailover sweep --out FOLDER` keeps, with the points that are finished.

    One that has not all its points is interrupted. Raises InputError if the folder is not one of a sweep, is damaged or
    of another version, and if no point is finished yet.
    """
    path = Path(folder)
    about = object_in(path / ABOUT, _REMEDY)
    if about.get("format") != FORMAT:
        raise refused(path / ABOUT, f"is not of format {FORMAT}", _REMEDY)
    require_version(about.get("version"), path / ABOUT, _REMEDY)
    try:
        return _sweep(path, about)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise refused(path, f"is damaged ({error!r})", _REMEDY) from None


def _sweep(folder: Path, about: dict[str, Any]) -> Sweep:
    import pandas as pd

    scenario, points = _scenario(folder, about["scenario"]), about["points"]
    table = _finished(folder, about["replications"])
    keys = tuple(name for name in table.column_names if name in points[0])
    frame = pd.DataFrame(table.to_pandas())
    if set(keys) != set(points[0]) or frame["point"].max() >= len(points):
        raise refused(folder / ABOUT, "is not of the points that are there", _REMEDY)
    texts = tuple({key: point[key] for key in keys} for point in points)
    return Sweep(scenario, keys, texts, frame, len(frame) < len(texts), about["replications"])


def _scenario(folder: Path, expected: str) -> Scenario:
    """Return the scenario of a folder, which must have the expected hash."""
    remedy = "the same sweep into this folder writes it, and runs no point again"
    if not (folder / SCENARIO).is_file():
        raise refused(folder, f"has no {SCENARIO}", remedy)
    scenario = read_back(folder / SCENARIO)
    if scenario.hash != expected:
        raise refused(folder / SCENARIO, "is not the scenario of the points", remedy)
    return scenario


def _finished(folder: Path, replications: int) -> pa.Table:
    """Return a row for each point that has so many replications, or an error, in order of their numbers."""
    import pyarrow as pa

    tables = []
    for path in sorted(folder.glob(POINTS)):
        table = point_in(path)
        result = result_in(path, table)
        if result.error or result.has(replications):
            tables.append(table.replace_schema_metadata())
    if not tables:
        raise refused(folder, "has no point yet", "the same sweep into this folder goes on with it")
    if any(table.schema != tables[0].schema for table in tables):
        raise refused(folder, "has points of different sweeps", "the same sweep into this folder puts them right")
    return pa.concat_tables(tables)
