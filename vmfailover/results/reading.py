"""Runs that were saved earlier, or on another machine."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from vmfailover.audit.invariants import Verdict
from vmfailover.records.events import Kind
from vmfailover.records.metric_names import METRICS
from vmfailover.records.roles import Role
from vmfailover.results.export import FILES, REST, SCENARIO, SUMMARY, TABLES
from vmfailover.results.records import Findings, Traffic
from vmfailover.results.run_result import RunResult
from vmfailover.results.stored import object_in, refused, table_in
from vmfailover.scenario.writing import read_back

#: What to do about a damaged folder.
_REMEDY = "run the scenario again"


def read(folder: str | PathLike[str]) -> RunResult:
    """Return the run that `vmfailover run --out FOLDER` has saved; neither its trace nor its scenario file is needed.

    Raises InputError if the folder is not one of a run, or of a version that wrote it otherwise.
    """
    path = Path(folder)
    _require_run(path)
    summary = object_in(path / SUMMARY, _REMEDY)
    if summary.get("schema_version") != RunResult.SCHEMA_VERSION:
        raise refused(path / SUMMARY, f"is not of schema version {RunResult.SCHEMA_VERSION}", _REMEDY)
    try:
        return _result(path, summary, object_in(path / REST, _REMEDY))
    except (KeyError, TypeError, AttributeError) as error:
        raise refused(path, f"is damaged ({error!r})", _REMEDY) from None


def _require_run(path: Path) -> None:
    if not path.is_dir():
        raise refused(path, "is not a folder", "give one that `vmfailover run SCENARIO --out FOLDER` has made")
    missing = [name for name in FILES if name in (SUMMARY, SCENARIO, REST, *TABLES) and not (path / name).is_file()]
    if missing:
        raise refused(path, f"has no {missing[0]}", f"make it with `vmfailover run SCENARIO --out {path}`")


def _result(path: Path, summary: dict[str, Any], rest: dict[str, Any]) -> RunResult:
    tables = {field: _rows(path / name, record) for name, (field, record) in TABLES.items()}
    _require_metrics(path / SUMMARY, summary["metrics"])
    if not set(Role) <= rest["spans"].keys():
        raise refused(path / REST, "is without the hosts", _REMEDY)
    return RunResult(
        scenario=read_back(path / SCENARIO),
        seed=summary["seed"],
        values=summary["metrics"],
        verdicts=tuple(Verdict(name, **verdict) for name, verdict in summary["invariants"].items()),
        spans={host: tuple((start, end) for start, end in spans) for host, spans in rest["spans"].items()},
        heartbeats={host: tuple(instants) for host, instants in rest["heartbeats"].items()},
        findings=Findings(**rest["findings"]),
        traffic=tuple(Traffic(**row) for row in rest.get("traffic", ())),
        accesses=rest["accesses"],
        end_ns=rest["end_ns"],
        interrupted=rest["interrupted"],
        remarks=tuple(rest["remarks"]),
        **tables,
    )


def _require_metrics(path: Path, values: dict[str, Any]) -> None:
    """Raise InputError unless every metric is there, and is a number or nothing."""
    if values.keys() != METRICS.keys() or any(isinstance(value, str | list | dict) for value in values.values()):
        raise refused(path, "has not the metrics of a run", _REMEDY)


def _rows(path: Path, record: type) -> tuple[Any, ...]:
    """Return the rows of a table as records."""
    rows = table_in(path, _REMEDY).to_pylist()
    return tuple(record(**{name: _restored(name, value) for name, value in row.items()}) for row in rows)


#: The kinds of events by what files call them.
_KINDS = {kind.value: kind for kind in Kind}


def _restored(name: str, value: Any) -> Any:
    if name == "kind":
        return _KINDS[value]
    return tuple(value) if isinstance(value, list) else value
