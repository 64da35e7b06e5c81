"""A metric before and now: what a regression check compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vmfailover.studies.baseline import Entry
from vmfailover.studies.known import Known, known, known_statistic
from vmfailover.studies.replication import Replications
from vmfailover.studies.statistics import CONFIDENCE, estimate, statistic

_Side = Sequence[Known | None]


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """What is known of a metric in the baseline and now, an observation a replication, None where there is none.

    Where both have only lower bounds, these are compared.
    """

    before: tuple[Known | None, ...]
    now: tuple[Known | None, ...]
    #: Whether the n-th values of both are of the same seed and the same instant of failure.
    paired: bool

    @classmethod
    def of(cls, found: Replications, entry: Entry, metric: str) -> Self:
        """Return both sides, without runs that failed; if they can be paired, of the replications that both have."""
        before = entry.known(metric)
        now = [known(run.values, metric) for run in found.runs]
        complete = [number for number, run in enumerate(found.runs) if not run.error]
        if not same_seeds(found, entry):
            return cls(tuple(before), tuple(now[number] for number in complete), False)
        both = [number for number in complete if number < len(before)]
        return cls(tuple(before[number] for number in both), tuple(now[number] for number in both), True)

    def lost(self, tolerance: float) -> int:
        """Return how many replications have lost the metric, or have only a lower bound of what was known.

        A bound that is less than `tolerance`, a share of the value that was known, away from it stands for it. If they
        are not paired, none have unless more have no value than chance explains.
        """
        if self.paired:
            return sum(_is_lost(before, now, tolerance) for before, now in zip(self.before, self.now, strict=True))
        without = sum(not _exact(each) for each in self.now)
        return without if self._loss_is_certain(without) else 0

    def _loss_is_certain(self, without: int) -> bool:
        """Whether none that had the metric has it now, or fewer by Fisher's exact test."""
        had = sum(map(_exact, self.before))
        if not had or not without:
            return False
        if without == len(self.now):
            return True
        from scipy.stats import fisher_exact

        counts = [[had, len(self.before) - had], [len(self.now) - without, without]]
        return bool(fisher_exact(counts, alternative="greater").pvalue < 1 - CONFIDENCE)

    @property
    def beyond_chance(self) -> bool:
        """Whether they differ by more than chance explains.

        The interval of paired differences must leave zero out; intervals that are not paired must not overlap.
        """
        if self.paired:
            pairs = zip(self.before, self.now, strict=True)
            mean = statistic([now.low - before.low for before, now in pairs if before and now])
            return bool(mean.mean) and (mean.half_width is None or mean.certain)
        old, new = estimate(_numbers(self.before)), estimate(_numbers(self.now))
        if old.low is None or old.high is None or new.low is None or new.high is None:
            return False
        return new.low > old.high or new.high < old.low

    def statistics(self, name: str) -> tuple[Known | None, Known | None]:
        """Return what is known of a statistic of both sides, None where no replication has the metric."""
        before, now = ([each for each in side if each] for side in (self.before, self.now))
        return known_statistic(before, name), known_statistic(now, name)


def same_seeds(found: Replications, entry: Entry) -> bool:
    """Whether the replications that both have are of the same seeds, and there is one."""
    pairs = list(zip(entry.seeds, (run.seed for run in found.runs), strict=False))
    return bool(pairs) and all(before == now for before, now in pairs)


def incomparable(found: Replications, entry: Entry) -> bool:
    """Whether nothing can be told from chance: other seeds, and a single run in the baseline or now."""
    return not same_seeds(found, entry) and min(len(entry.seeds), len(found.runs)) < 2


def _is_lost(before: Known | None, now: Known | None, tolerance: float) -> bool:
    if before is None or now is None:
        return before is not None
    return before.exact and not now.exact and abs(now.low - before.low) >= tolerance * abs(before.low)


def _exact(each: Known | None) -> bool:
    return each is not None and each.exact


def _numbers(values: _Side) -> list[float]:
    return [value.low for value in values if value]
