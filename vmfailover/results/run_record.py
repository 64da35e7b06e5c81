"""All that is kept of a run."""

from dataclasses import dataclass
from typing import Any

from vmfailover.audit.invariants import Verdict
from vmfailover.records.metric_values import Metrics
from vmfailover.results.failover_stages import FailoverStage, failover_stages
from vmfailover.results.json_result import JsonResult, about
from vmfailover.results.records import Records
from vmfailover.results.samples import Sample


@dataclass(frozen=True)
class RunRecord(Records, JsonResult):
    """What happened in a run, with its metrics, and whether the invariants hold."""

    values: Metrics
    verdicts: tuple[Verdict, ...]
    sample_rows: tuple[Sample, ...]
    #: Instants in nanoseconds at which a heartbeat was heard, by the host that heard it; no host if none are sent.
    heartbeats: dict[str, tuple[int, ...]]
    interrupted: bool = False
    #: What a reader should know of the run, a sentence each.
    remarks: tuple[str, ...] = ()

    @property
    def consistent(self) -> bool:
        """Whether every invariant holds that the scenario does not waive."""
        return not any(verdict.broken for verdict in self.verdicts)

    @property
    def failover_stages(self) -> tuple[FailoverStage, ...]:
        """The stages of the first failover by name, in order: which timer took how long."""
        return failover_stages(self)

    def _content(self) -> dict[str, Any]:
        return {
            "scenario": about(self.scenario),
            "seed": self.seed,
            "metrics": self.values,
            **({"interrupted_at_ns": self.end_ns} if self.interrupted else {}),
            "invariants": {item.name: _judgement(item) for item in self.verdicts},
        }


def _judgement(verdict: Verdict) -> dict[str, bool | str]:
    return {"holds": verdict.holds, "waived": verdict.waived, "detail": verdict.detail}
