"""What a planned evacuation did: its metrics, and its rounds."""

from dataclasses import dataclass

from vmfailover.records.metric_values import Metrics
from vmfailover.replication.protocols.live_precopy import LivePrecopySettings
from vmfailover.results.records import EpochRow, Records
from vmfailover.scenario.sizes import PAGE_BYTES

__all__ = ["Round", "migration_metrics", "rounds_of"]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a migration; times in nanoseconds."""

    #: From 1.
    number: int
    #: Since the migration began.
    started_ns: int
    #: The last one lasts until the VM runs on the other host.
    duration_ns: int
    #: Bytes of the pages that were modified in it; None of the last one, in which the VM stands still.
    modified_bytes: int | None
    sent_bytes: int

    @property
    def bytes_per_second(self) -> float:
        """How fast it was sent."""
        return self.sent_bytes * 1e9 / max(1, self.duration_ns)


def rounds_of(records: Records) -> tuple[Round, ...]:
    """Return the rounds of a run's migration, the last one with the VM stopped if it came so far."""
    rows, ended_ns = _rows(records), _ended_ns(records)
    unit_bytes = records.scenario.replication.unit_bytes(records.scenario.hosts.primary.line)
    modified = {event.epoch: event.count * unit_bytes for event in records.event_rows if event.kind == "round"}
    ends = [row.started_ns for row in rows[1:]] + [ended_ns]
    begins = [row.started_ns for row in rows]
    return tuple(
        Round(number, begins[number - 1] - begins[0], end - row.started_ns, modified.get(row.epoch), row.shipped_bytes)
        for number, (row, end) in enumerate(zip(rows, ends, strict=True), 1)
    )


def _rows(records: Records) -> list[EpochRow]:
    return [row for row in records.epoch_rows if row.whole_memory and row.pair == 0]


def _ended_ns(records: Records) -> int:
    """When the VM ran on the other host, or the migration was given up, or the run ended."""
    ends = (records.first_ns(kind) for kind in ("takeover", "migration-abandoned"))
    return next((end_ns for end_ns in ends if end_ns is not None), records.end_ns)


def migration_metrics(records: Records) -> Metrics:
    """Return the metrics; None under any other protocol, or if `precopy` did not come to its last round."""
    stopped_ns, running_ns = records.first_ns("switchover"), records.first_ns("takeover")
    rounds = _rounds_of_evacuation(records)
    return {
        "migration.total_ns": _difference(running_ns, rounds[0].started_ns if rounds else None),
        "migration.downtime_ns": _difference(running_ns, stopped_ns),
        "migration.rounds": len(rounds) or None,
        "migration.bytes": sum(row.shipped_bytes for row in rounds) if rounds else None,
        "migration.converged": _converged(records, rounds[-1]) if rounds else None,
    }


def _rounds_of_evacuation(records: Records) -> list[EpochRow]:
    """Return the rounds of an evacuation, the last with the VM stopped; none if that was not sent, unless paced."""
    rounds = _rows(records)
    return rounds if rounds and (_paced(records) or rounds[-1].paused_ns >= 0) else []


def _paced(records: Records) -> bool:
    replication = records.scenario.replication
    return isinstance(replication, LivePrecopySettings) and replication.migration is not None


def _converged(records: Records, last: EpochRow) -> bool:
    """Whether what was left for the last round, with the VM stopped, was as little as had been asked for."""
    if _paced(records):
        return last.paused_ns >= 0
    scenario = records.scenario
    line_bytes = scenario.hosts.primary.line
    page_bytes = max(scenario.replication.unit_bytes(line_bytes), PAGE_BYTES)
    return last.lines * line_bytes <= scenario.replication.precopy.least * page_bytes


def _difference(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier
