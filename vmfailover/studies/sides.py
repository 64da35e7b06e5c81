"""A metric before and now: what a regression check compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vmfailover.studies.baseline import Entry
from vmfailover.studies.replication import Replications
from vmfailover.studies.statistics import estimate, statistic


@dataclass(frozen=True, slots=True)
class Sides:
    """A metric in the baseline and now, a value a replication, None where there is none."""

    before: tuple[float | None, ...]
    now: tuple[float | None, ...]
    #: Whether the n-th values of both are of the same seed and the same instant of failure.
    paired: bool

    @classmethod
    def of(cls, found: Replications, entry: Entry, metric: str) -> Self:
        """Return both sides, without runs that failed; if they can be paired, of the replications that both have."""
        before = entry.values.get(metric, ())
        values = [None if value is None else float(value) for value in found.values(metric)]
        complete = [number for number, run in enumerate(found.runs) if not run.error]
        if not same_seeds(found, entry):
            return cls(before, tuple(values[number] for number in complete), False)
        both = [number for number in complete if number < len(before)]
        return cls(tuple(before[number] for number in both), tuple(values[number] for number in both), True)

    @property
    def lost(self) -> int:
        """How many replications have lost the metric; if they are not paired, all of them or none."""
        if self.paired:
            return sum(before is not None and now is None for before, now in zip(self.before, self.now, strict=True))
        return 0 if _numbers(self.now) else len(self.now)

    @property
    def beyond_chance(self) -> bool:
        """Whether they differ by more than chance explains.

        The interval of paired differences must leave zero out; intervals that are not paired must not overlap.
        """
        if self.paired:
            pairs = zip(self.before, self.now, strict=True)
            mean = statistic([now - before for before, now in pairs if before is not None and now is not None])
            return bool(mean.mean) and (mean.half_width is None or mean.certain)
        old, new = estimate(_numbers(self.before)), estimate(_numbers(self.now))
        if old.low is None or old.high is None or new.low is None or new.high is None:
            return False
        return new.low > old.high or new.high < old.low

    def statistics(self, name: str) -> tuple[float | None, float | None]:
        """Return a statistic of both sides, None where no replication has the metric."""
        return estimate(_numbers(self.before), name).value, estimate(_numbers(self.now), name).value


def same_seeds(found: Replications, entry: Entry) -> bool:
    """Whether the replications that both have are of the same seeds, and there is one."""
    pairs = list(zip(entry.seeds, (run.seed for run in found.runs), strict=False))
    return bool(pairs) and all(before == now for before, now in pairs)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
