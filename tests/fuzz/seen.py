"""What can be seen of a run from outside, as plain data: what its users get, and nothing else."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.outcome import headline
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import LONGEST_STEP_NS

Row = dict[str, Any]
#: Events with which a failover is over: the VM runs, or will never.
FAILOVER_ENDS = ("takeover", "returned", "alone", "fencing-failed", "no-quorum", "standby-down", "lost")


@dataclass(frozen=True)
class Seen:
    """A run that has ended."""

    scenario: Scenario
    #: What became of it, in sentences.
    headline: str
    #: What `--json` prints, and what is in it.
    text: str
    metrics: dict[str, Any]
    invariants: dict[str, Row]
    epochs: tuple[Row, ...]
    events: tuple[Row, ...]
    requests: tuple[Row, ...]
    #: (from, to) in nanoseconds in which the VM ran, by host.
    spans: dict[str, tuple[tuple[int, int], ...]]
    end_ns: int

    @classmethod
    def of(cls, result: RunResult) -> "Seen":
        """Look at a result."""
        summary = result.to_dict()
        return cls(
            scenario=result.scenario,
            headline=headline(result),
            text=result.to_json(),
            metrics=summary["metrics"],
            invariants=summary["invariants"],
            epochs=tuple(asdict(row) for row in result.epoch_rows),
            events=tuple(asdict(row) for row in result.event_rows),
            requests=tuple(asdict(row) for row in result.requests),
            spans=result.spans,
            end_ns=result.end_ns,
        )

    @property
    def record(self) -> str:
        """Everything in it, as text, except how fast this machine was."""
        summary = json.loads(self.text)
        for name in WALL_CLOCK:
            summary["metrics"].pop(name, None)
        return json.dumps([summary, self.epochs, self.events, self.requests, self.spans, self.end_ns])

    @property
    def digest(self) -> str:
        """What differs where the record differs."""
        return sha256(self.record.encode()).hexdigest()[:16]

    @property
    def answered(self) -> tuple[Row, ...]:
        """The requests that have an answer."""
        return tuple(each for each in self.requests if each["received_ns"] is not None)

    @property
    def longest_ns(self) -> int:
        """How long the run may last, nanoseconds: until its end, or a step beyond the failover that it waits for."""
        duration_ns = self.scenario.duration
        if self.scenario.extend is None:
            return duration_ns
        over = self.first(*FAILOVER_ENDS, after_ns=duration_ns)
        return max(duration_ns, self.end_ns if over is None else over + LONGEST_STEP_NS)

    def first(self, *kinds: str, after_ns: int = 0) -> int | None:
        """Return the instant of the first event of some kinds from an instant on, nanoseconds."""
        times = (int(each["time_ns"]) for each in self.events if each["kind"] in kinds)
        return next((time_ns for time_ns in times if time_ns >= after_ns), None)

    def durations(self) -> dict[str, float]:
        """Return the metrics that are times and that the run gives."""
        return {name: value for name, value in self.metrics.items() if name.endswith("_ns") and value is not None}
