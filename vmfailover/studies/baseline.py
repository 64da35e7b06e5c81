"""The baseline of regression checks: a file with what scenarios gave when all was well."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vmfailover.errors import ParameterError, reason_of
from vmfailover.files.regular_file import read_regular
from vmfailover.files.whole_file import write_whole
from vmfailover.records.metric_names import bound_name
from vmfailover.results.json_result import header
from vmfailover.studies.known import Known, known
from vmfailover.studies.replication import Replications

#: Version of the file; it changes when a key is renamed or removed.
SCHEMA_VERSION = 2
#: Statistics that the file has of each metric, beside the values themselves.
STATISTICS = ("mean", "median", "p99")


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario of a baseline."""

    hash: str
    seeds: tuple[int, ...]
    #: Each gated metric in each replication, None where it had no value; lower bounds as metrics of their own.
    values: Mapping[str, tuple[float | None, ...]]
    #: The file of the scenario, None if it came from none.
    path: Path | None = None

    @classmethod
    def of(cls, found: Replications, metrics: Sequence[str]) -> Self:
        """Return the entry of replications that have been made."""
        seeds = tuple(run.seed for run in found.runs)
        values = {metric: tuple(map(_number, found.values(metric))) for metric in metrics}
        bounds = {bound_name(metric): tuple(map(_number, found.values(bound_name(metric)))) for metric in metrics}
        values |= {name: each for name, each in bounds.items() if set(each) != {None}}
        return cls(found.scenario.hash, seeds, values, found.scenario.path)

    def numbers(self, metric: str) -> list[float]:
        """Return a metric of the replications that had it."""
        return [value for value in self.values.get(metric, ()) if value is not None]

    def known(self, metric: str) -> list[Known | None]:
        """Return what is known of a metric in each replication, nothing for a metric that the file does not have."""
        there = [name for name in (metric, bound_name(metric)) if name in self.values]
        replications = zip(*(self.values[name] for name in there), strict=True)
        return [known(dict(zip(there, each, strict=True)), metric) for each in replications]


def read_baseline(path: Path) -> dict[str, Entry]:
    """Return the entries of a file by the names of their scenarios.

    Raises InputError if it is missing, unreadable, damaged, or of another version.
    """
    remedy = "delete it, and make it anew with {write_baseline}"
    try:
        document = json.loads(read_regular(path))
    except FileNotFoundError:
        raise _refused(path, "there is no such file", "make it with {write_baseline}") from None
    except OSError as error:
        raise _refused(path, f"cannot be read ({reason_of(error)})", "give {baseline} another file") from None
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"is not JSON ({error})", remedy) from None
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise _refused(path, f"is no baseline of version {SCHEMA_VERSION}", remedy)
    try:
        return {str(name): _entry(entry, path) for name, entry in document["scenarios"].items()}
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise _refused(path, "is damaged", remedy) from None


def _refused(path: Path, reason: str, remedy: str) -> ParameterError:
    return ParameterError("baseline", reason, about=path, remedy=remedy)


def write_baseline(
    path: Path, found: Sequence[Replications], metrics: Sequence[str], gone: Collection[str] = ()
) -> None:
    """Write the entries of these scenarios to a file, at once, beside those of others that it has and are not `gone`.

    Raises InputError if what the file has cannot be read, and OSError, naming the file, if it cannot be written; what
    was there before then stays.
    """
    kept = read_baseline(path) if path.exists() else {}
    entries = {name: entry for name, entry in kept.items() if name not in gone}
    entries |= {each.scenario.name: Entry.of(each, metrics) for each in found}
    document = {
        **header(SCHEMA_VERSION),
        "scenarios": {name: _document(entries[name], path) for name in sorted(entries)},
    }
    write_whole(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _stored_number(value: Any) -> float | None:
    """Return a number of a file as it was written; raise ValueError for anything else, and for NaN and infinity."""
    number = _number(value)
    if isinstance(value, str | bool) or (number is not None and not math.isfinite(number)):
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _entry(document: Any, path: Path) -> Entry:
    values = {str(metric): tuple(map(_stored_number, about["values"])) for metric, about in document["metrics"].items()}
    seeds = tuple(document["seeds"])
    if any(type(seed) is not int for seed in seeds):
        raise ValueError("a seed is not a whole number")
    if any(len(each) != len(seeds) for each in values.values()):
        raise ValueError("values and seeds do not match")
    file = document["file"]
    if not isinstance(file, str | None) or "\0" in (file or ""):
        raise TypeError("the file of a scenario is not a name")
    return Entry(str(document["hash"]), seeds, values, None if file is None else path.parent / file)


def _document(entry: Entry, path: Path) -> dict[str, Any]:
    from vmfailover.studies.statistics import estimate

    metrics = {
        metric: {
            "values": list(values),
            **{name: estimate(entry.numbers(metric), name).to_dict() for name in STATISTICS},
        }
        for metric, values in entry.values.items()
    }
    return {
        "file": None if entry.path is None else _seen_from(path.parent, entry.path),
        "hash": entry.hash,
        "seeds": list(entry.seeds),
        "n": len(entry.seeds),
        "metrics": metrics,
    }


def _seen_from(folder: Path, file: Path) -> str:
    """Return the name of a file from a folder, so that both can move together."""
    return Path(os.path.relpath(os.path.realpath(file), os.path.realpath(folder))).as_posix()
