"""All that is kept of a run."""

import json
from dataclasses import dataclass
from typing import Any

from vmfailover.audit.invariants import Verdict
from vmfailover.records.metric_values import Metrics
from vmfailover.results.records import Records
from vmfailover.results.samples import Sample
from vmfailover.version import version

#: Version of what `to_dict` returns; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunRecord(Records):
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

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; the keys of `metrics` are in the order of `results.names`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vmfailover_version": version(),
            "scenario": {"name": self.scenario.name, "hash": self.scenario.hash},
            "seed": self.seed,
            "metrics": self.values,
            **({"interrupted_at_ns": self.end_ns} if self.interrupted else {}),
            "invariants": {item.name: _judgement(item) for item in self.verdicts},
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text, without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def _judgement(verdict: Verdict) -> dict[str, bool | str]:
    return {"holds": verdict.holds, "waived": verdict.waived, "detail": verdict.detail}
