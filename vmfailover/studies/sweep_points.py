"""What came of a point of a sweep: its runs, and the row that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vmfailover.records.metric_names import TRUTHS
from vmfailover.records.metric_values import Metrics, Value
from vmfailover.studies.averages import OPTIONAL, averages, count_name
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

    #: In order of the replications; those that were made before the error, if there is one.
    runs: tuple[PointRun, ...]
    #: Why there are no more of them; empty if they are as many as were asked for.
    error: str = ""
    #: Whether the error is one of the input, which another attempt would meet again.
    refused: bool = False
    #: What a reader has to know of its numbers.
    remark: str = ""

    def has(self, replications: int) -> bool:
        """Whether it has as many runs as are wanted."""
        return len(self.runs) >= replications

    def columns(self, replications: int) -> dict[str, Value | str]:
        """Return what a table says of the first replications.

        That is the error, the broken invariants with their details, the remark and, unless there is an error, the
        values of each metric as `averages` names them.
        """
        runs, error = self.runs[:replications], "" if self.has(replications) else self.error
        broken = "; ".join(sorted({line for run in runs for line in run.broken}))
        values = averages([run.values for run in runs]) if runs and not error else {}
        return {"error": error, "broken": broken, "remark": self.remark, **values}

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        runs = [{"values": dict(run.values), "broken": list(run.broken)} for run in self.runs]
        return {"error": self.error, "refused": self.refused, "remark": self.remark, "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PointResult:
        """Return what `to_dict` has made plain data of; raise KeyError, TypeError or AttributeError for other data."""
        runs = (
            PointRun({name: run["values"][name] for name in MEASURED}, tuple(run["broken"])) for run in data["runs"]
        )
        return cls(tuple(runs), data["error"], data["refused"], data["remark"])


def result_fields() -> list[pa.Field]:
    """Return the columns for what came of a point, which follow its number and its keys."""
    import pyarrow as pa

    fields = [pa.field(name, pa.string()) for name in ("error", "broken", "remark")]
    for name in MEASURED:
        if name in TRUTHS:
            fields.append(pa.field(name, pa.bool_()))
        else:
            fields += [pa.field(name, pa.float64()), pa.field(f"{name}.half_width", pa.float64())]
        if name in OPTIONAL:
            fields.append(pa.field(count_name(name), pa.int64()))
    return fields
