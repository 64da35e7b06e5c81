"""What came of a point of a sweep: its runs, and the row that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vmfailover.records.metric_names import TRUTHS
from vmfailover.records.metric_values import Metrics, Value
from vmfailover.studies.averages import averages
from vmfailover.studies.runs import MEASURED

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class PointRun:
    """One replication of a point."""

    values: Metrics
    #: Every invariant that is broken, with its detail.
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PointResult:
    """What came of a point."""

    #: In order of the replications; none if the point could not be run.
    runs: tuple[PointRun, ...]
    #: Why it could not be run; empty if it could.
    error: str = ""

    def columns(self, replications: int) -> dict[str, Value | str]:
        """Return what a table says of the first replications.

        That is the error, the broken invariants with their details, and of each metric the mean and, as
        `METRIC.half_width`, how exactly it is known; a truth value holds if it always does.
        """
        runs = self.runs[:replications]
        broken = "; ".join(sorted({line for run in runs for line in run.broken}))
        return {"error": self.error, "broken": broken, **(averages([run.values for run in runs]) if runs else {})}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        runs = [{"values": dict(run.values), "broken": list(run.broken)} for run in self.runs]
        return {"error": self.error, "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PointResult:
        """Return what `to_dict` has made plain data of; raise KeyError, TypeError or AttributeError for other data."""
        runs = (
            PointRun({name: run["values"][name] for name in MEASURED}, tuple(run["broken"])) for run in data["runs"]
        )
        return cls(tuple(runs), data["error"])


def result_fields() -> list[pa.Field]:
    """Return the columns for what came of a point, which follow its number and its keys."""
    import pyarrow as pa

    fields = [pa.field("error", pa.string()), pa.field("broken", pa.string())]
    for name in MEASURED:
        if name in TRUTHS:
            fields.append(pa.field(name, pa.bool_()))
        else:
            fields += [pa.field(name, pa.float64()), pa.field(f"{name}.half_width", pa.float64())]
    return fields
