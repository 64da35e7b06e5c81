"""The stages of a failover by name: which timer took how long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vmfailover.records.events import Event, Kind
from vmfailover.results.failovers import Move, first_move
from vmfailover.results.records import Records
from vmfailover.scenario import Scenario


@dataclass(frozen=True, slots=True)
class FailoverStage:
    """A stage of a failover, within one of its parts; instants in nanoseconds."""

    part: str
    name: str
    began_ns: int
    ended_ns: int

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return self.ended_ns - self.began_ns


def failover_stages(records: Records) -> tuple[FailoverStage, ...]:
    """Return the stages of the first failover that have come to their end, in order; none of them overlap.

    They add up to the parts of the latency. Stages of a detector between whose ends nothing is written down are one.
    """
    move = first_move(records.event_rows)
    return tuple(stage for stage in _stages(move, records) if stage.duration_ns or stage.name in (stage.part, "boot"))


def _stages(move: Move, records: Records) -> Iterator[FailoverStage]:
    for part, began_ns, ended_ns in move.parts:
        if min(began_ns, ended_ns) < 0 or (part == "detection" and move.stopped_ns < 0):
            continue
        within = [event for event in records.event_rows if began_ns <= event.time_ns <= ended_ns]
        if part == "detection":
            yield from _of_detection(records.scenario, _doubts(within, move.origin), began_ns, ended_ns)
        else:
            yield from _of_other(records.scenario, part, within, began_ns, ended_ns)


def _doubts(events: Sequence[Event], doubted: str) -> list[Event]:
    """Return the beginnings of the detector's later stages, from when the host was heard last."""
    found: list[Event] = []
    for event in events:
        if event.kind == Kind.FORGIVE and event.detail == doubted:
            found.clear()
        elif event.kind == Kind.SUSPECT and event.detail == doubted and event.count > max(_counts(found), default=0):
            found.append(event)
    return found


def _counts(events: Sequence[Event]) -> Iterator[int]:
    return (event.count for event in events)


def _of_detection(scenario: Scenario, doubts: Sequence[Event], began_ns: int, ended_ns: int) -> Iterator[FailoverStage]:
    names = [stage.name for stage in scenario.detection.stages]
    instants = [began_ns, *(event.time_ns for event in doubts), ended_ns]
    numbers = [0, *_counts(doubts), len(names)]
    for (first, last), stretch in zip(pairwise(numbers), pairwise(instants), strict=True):
        name = " + ".join(names[first:last]) if len(names) > 1 else "detection"
        yield FailoverStage("detection", name or "detection", *stretch)


def _of_other(
    scenario: Scenario, part: str, events: Sequence[Event], began_ns: int, ended_ns: int
) -> Iterator[FailoverStage]:
    """Yield what is waited for at the beginning of a part, and the part itself."""
    kind, name = {"fencing": (Kind.ELECTED, "election"), "apply": (Kind.PROMOTED, "promotion")}.get(part, (None, ""))
    until_ns = next((event.time_ns for event in events if event.kind == kind), began_ns)
    yield FailoverStage(part, name, began_ns, until_ns)
    yield FailoverStage(part, _name(scenario, part), until_ns, ended_ns)


def _name(scenario: Scenario, part: str) -> str:
    boots = not scenario.replication.replicates and scenario.replication.restart.kind == "boot"
    return "boot" if part == "activation" and boots else part
