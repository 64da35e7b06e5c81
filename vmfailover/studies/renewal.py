"""What changes in a baseline if new runs are entered into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vmfailover.studies.baseline import Entry
from vmfailover.studies.baseline_comparison import incomparable
from vmfailover.studies.changes import Change, every_change
from vmfailover.studies.replication import Replications
from vmfailover.studies.vanished import Vanished, vanished


@dataclass(frozen=True, slots=True)
class Renewal:
    """What entering runs into a baseline changes in it."""

    #: Scenarios that the baseline does not have yet.
    new: tuple[str, ...]
    #: Scenarios with what has changed of them, however little and by whatever chance.
    changes: tuple[tuple[str, Change], ...]
    #: Scenarios whose runs cannot be told from those of the baseline: other seeds, and a single run in one of both.
    incomparable: tuple[str, ...]
    #: Scenarios with the numbers of runs, before and now, where these are fewer.
    fewer: tuple[tuple[str, int, int], ...]
    #: Scenarios that are not there any more, and leave the baseline.
    vanished: tuple[Vanished, ...]

    @property
    def worse(self) -> bool:
        """Whether something got worse, or less is gated than before."""
        return bool(self.incomparable or self.fewer or self.vanished) or any(change.worse for _, change in self.changes)


def renewal(found: Sequence[Replications], baseline: Mapping[str, Entry]) -> Renewal:
    """Return what entering these runs changes in a baseline."""
    both = [(each, baseline[each.scenario.name]) for each in found if each.scenario.name in baseline]
    return Renewal(
        new=tuple(each.scenario.name for each in found if each.scenario.name not in baseline),
        changes=tuple((each.scenario.name, change) for each, entry in both for change in every_change(each, entry)),
        incomparable=tuple(each.scenario.name for each, entry in both if incomparable(each, entry)),
        fewer=tuple(
            (each.scenario.name, len(entry.seeds), len(each.runs))
            for each, entry in both
            if len(each.runs) < len(entry.seeds)
        ),
        vanished=tuple(vanished(baseline, [each.scenario for each in found])),
    )
