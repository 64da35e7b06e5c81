"""What has changed since a baseline was made: metrics that are worse, and better, than they were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import inf, isinf
from typing import Any, Self

from vmfailover.errors import ParameterError
from vmfailover.studies.baseline import STATISTICS, Entry
from vmfailover.studies.baseline_comparison import BaselineComparison
from vmfailover.studies.known import Known
from vmfailover.studies.replication import Replications

#: Metrics that are gated: less of each is better, and somebody notices more of it.
GATED = (
    "failover.latency_ns",
    "failover.detection_ns",
    "failover.fencing_ns",
    "failover.apply_ns",
    "failover.activation_ns",
    "failover.warmup_ns",
    "failover.false_alarms",
    "exposure.total_ns",
    "client.blackout_ns",
    "client.latency_mean_ns",
    "client.latency_p99_ns",
    "client.unanswered",
    "loss.work_ns",
    "loss.outputs",
    "loss.split_brain_ns",
    "guest.slowdown",
    "checkpoint.pause_p99_ns",
    "checkpoint.commit_latency_p99_ns",
    "replication.bytes",
    "log.stall_ns",
    "migration.total_ns",
    "migration.downtime_ns",
)
#: The component that a metric tells of, by the beginning of its name.
_COMPONENTS = {
    "failover.detection": "detection",
    "failover.fencing": "fencing",
    "failover.apply": "receiver (image)",
    "failover.activation": "takeover (activation)",
    "failover.warmup": "caches after the takeover",
    "failover.false_alarms": "detection",
    "exposure": "re-protection",
    "client": "output commit",
    "loss.split_brain": "fencing",
    "loss": "replication",
    "guest": "tracking of modified memory",
    "checkpoint.pause": "checkpointing",
    "checkpoint.commit": "link",
    "replication": "replication",
    "log": "address log",
    "migration": "pre-copy",
}
_PARTS = ("failover.detection_ns", "failover.fencing_ns", "failover.apply_ns", "failover.activation_ns")
_LIMIT = re.compile(r"\s*(mean|median|min|max|p\d{1,2}(?:\.\d{1,3})?)\s*:\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much worse a statistic may become, as a share of what it was."""

    statistic: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limit that a text such as `p99:5%` says; raise InputError if it says none."""
        match = _LIMIT.fullmatch(text)
        if match is None:
            raise ParameterError("limits", f"{text!r} is no limit; write for example 'p99:5%' or 'mean:2%'")
        return cls(match[1], float(match[2]) / 100)


#: The limit if none is given.
DEFAULT_LIMITS = (Limit("mean", 0.05),)
#: Limits that every change is beyond.
_NONE_ALLOWED = tuple(Limit(name, 0.0) for name in STATISTICS)


@dataclass(frozen=True, slots=True)
class Change:
    """A statistic of a metric that is not any more what the baseline says."""

    metric: str
    statistic: str
    #: In the metric's unit.
    before: float
    #: None if replications have lost the metric.
    now: float | None
    #: Where the reason is most likely to be.
    component: str
    #: Replications in which the metric was known in the baseline, and is not now, or from below only.
    lost: int = 0
    #: Whether the numbers are lower bounds.
    before_at_least: bool = False
    now_at_least: bool = False

    @property
    def relative(self) -> float:
        """The change as a share of what it was."""
        if self.now is None:
            return inf
        return (self.now - self.before) / abs(self.before) if self.before else inf

    @property
    def worse(self) -> bool:
        """Whether it is a regression, not an improvement."""
        return self.lost > 0 or self.now is None or self.now > self.before

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; the relative change is None where it is infinite."""
        return {**asdict(self), "relative": None if isinf(self.relative) else self.relative, "worse": self.worse}


def changes_beyond(found: Replications, entry: Entry, limits: Sequence[Limit]) -> Iterator[Change]:
    """Yield the gated metrics that have changed by more than a limit, and by more than chance.

    A metric is told of by the first limit that a regression exceeds, if there is one. One that replications have lost
    is a regression whatever the limits; so is one that was cut off, unless all limits allow its bound as a value.
    """
    tolerance = min(limit.share for limit in limits)
    for metric in GATED:
        sides = BaselineComparison.of(found, entry, metric)
        if lost := sides.lost(tolerance):
            yield from _lost(found, entry, metric, sides, limits[0].statistic, lost)
        elif sides.beyond_chance:
            yield from _changed(found, entry, metric, sides, limits)


def every_change(found: Replications, entry: Entry) -> Iterator[Change]:
    """Yield the gated metrics that have changed at all; where seeds differ, by more than chance."""
    for metric in GATED:
        sides = BaselineComparison.of(found, entry, metric)
        if lost := sides.lost(0.0):
            yield from _lost(found, entry, metric, sides, "mean", lost)
        elif sides.paired or sides.beyond_chance:
            yield from _changed(found, entry, metric, sides, _NONE_ALLOWED)


def _lost(
    found: Replications, entry: Entry, metric: str, sides: BaselineComparison, statistic: str, lost: int
) -> Iterator[Change]:
    before, now = sides.statistics(statistic)
    if before is None:
        return
    bounded = now is not None and not any(each is None for each in sides.now)
    yield _change(metric, statistic, before, now if bounded else None, _component(found, entry, metric), lost)


def _changed(
    found: Replications, entry: Entry, metric: str, sides: BaselineComparison, limits: Sequence[Limit]
) -> Iterator[Change]:
    beyond = list(_beyond(found, entry, metric, sides, limits))
    yield from ([change for change in beyond if change.worse] or beyond)[:1]


def _beyond(
    found: Replications, entry: Entry, metric: str, sides: BaselineComparison, limits: Sequence[Limit]
) -> Iterator[Change]:
    for limit in limits:
        before, now = sides.statistics(limit.statistic)
        if before is None or now is None or now.low == before.low or _only_seems_better(before, now):
            continue
        change = _change(metric, limit.statistic, before, now, _component(found, entry, metric))
        if abs(change.relative) > limit.share:
            yield change


def _only_seems_better(before: Known, now: Known) -> bool:
    """Whether a lower bound is below what was known, which it would be too if nothing had become better."""
    return before.exact and not now.exact and now.low < before.low


def _change(metric: str, statistic: str, before: Known, now: Known | None, component: str, lost: int = 0) -> Change:
    return Change(
        metric,
        statistic,
        before.low,
        None if now is None else now.low,
        component,
        lost,
        before_at_least=not before.exact,
        now_at_least=now is not None and not now.exact,
    )


def _component(found: Replications, entry: Entry, metric: str) -> str:
    """Return where the reason of a change is most likely to be: of a latency, where its most changed part is."""
    if metric in ("failover.latency_ns", "client.blackout_ns"):
        changed = {part: _mean_change(found, entry, part) for part in _PARTS}
        largest = max(changed, key=lambda part: abs(changed[part]))
        if changed[largest]:
            metric = largest
    return next((name for start, name in _COMPONENTS.items() if metric.startswith(start)), "unknown")


def _mean_change(found: Replications, entry: Entry, metric: str) -> float:
    before, now = BaselineComparison.of(found, entry, metric).statistics("mean")
    return 0.0 if before is None or now is None else now.low - before.low
