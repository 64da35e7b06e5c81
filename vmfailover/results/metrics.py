"""The metrics of a run, by the names in `names`, from its records alone."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vmfailover.audit.invariants import overlap_ns
from vmfailover.records.metric_values import Metrics
from vmfailover.results.client_metrics import client_metrics
from vmfailover.results.failovers import exposures, first_move, moves
from vmfailover.results.intervals import Interval, clipped, length_ns, length_of, without
from vmfailover.results.migration import migration_metrics
from vmfailover.results.outage import Outage
from vmfailover.results.readings import Reading
from vmfailover.results.records import EpochRow, Records
from vmfailover.results.standing_faults import VERDICTS, StandingFaults
from vmfailover.results.warm_up import pace_before, warm_up

#: Events that end the time in which the VM ran protected on its first host.
_PROTECTED_UNTIL = ("down", "switchover", "alone", "takeover")
#: Events up to which the first host ships to the second.
_SHIPPED_UNTIL = ("down", "alone", "takeover")


def metrics_of(records: Records, wall_seconds: float, compile_seconds: float) -> Metrics:
    """Compute every metric of a run that has ended, and took so long, so much of it to compile."""
    return {
        **_failover(records),
        **_reprotection(records),
        **migration_metrics(records),
        **client_metrics(records),
        **_loss(records),
        **_guest(records),
        **_checkpoints(records),
        **_replication(records),
        **_log(records),
        **_run(records, wall_seconds, compile_seconds),
    }


def _failover(records: Records) -> Metrics:
    """The parts add up to the latency: each begins where the one before ends.

    A false alarm has no latency; that of a planned evacuation begins when it stops the VM, and nothing has to be
    detected or fenced.
    """
    move = first_move(records.event_rows)
    before = [move.stopped_ns] * 3 if move.planned else [move.stopped_ns, move.detected_ns, move.fenced_ns]
    instants = [_known(instant) for instant in (*before, move.image_complete_ns, move.running_ns)]
    parts = [_difference(later, earlier) for earlier, later in pairwise(instants)]
    names = ("detection", "fencing", "apply", "activation")
    latency_ns = _difference(instants[-1], instants[0])
    warmed = warm_up(records.progress, pace_before(records.readings, records.event_rows))
    deficit_ns = warmed.deficit_ns if warmed else None
    return {
        "failover.latency_ns": latency_ns,
        **{f"failover.{name}_ns": part for name, part in zip(names, parts, strict=True)},
        "failover.count": sum(event.kind == "takeover" for event in records.event_rows),
        "failover.false_alarms": _false_alarms(records),
        "failover.warmup_ns": warmed.duration_ns if warmed else None,
        "failover.warmup_deficit_ns": deficit_ns,
        "failover.cost_ns": _sum((latency_ns, _lost_work_ns(records), deficit_ns)),
    }


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _known(instant_ns: int) -> int | None:
    return instant_ns if instant_ns >= 0 else None


def _false_alarms(records: Records) -> int:
    """Count the verdicts on hosts that are up, and that no fault keeps from their service."""
    standing = StandingFaults()
    alarms = 0
    for event in records.event_rows:
        standing.note(event)
        alarms += event.kind in VERDICTS and standing.serves(event.detail)
    return alarms


def _reprotection(records: Records) -> Metrics:
    """Of several synchronisations and failbacks the first is told of."""
    exposed = [each.duration_ns for each in exposures(records.event_rows, records.pairs, records.end_ns)]
    synchronised = [number for number in range(1, len(records.pairs)) if _rounds(records, number)]
    first = synchronised[0] if synchronised else None
    planned = next(
        (move for move in moves(records.event_rows) if move.planned and move.destination == records.home), None
    )
    moved = Outage(planned.stopped_ns, planned.running_ns) if planned else None
    return {
        "exposure.total_ns": sum(exposed),
        "exposure.longest_ns": max(exposed, default=0),
        "reprotection.count": len(synchronised),
        "reprotection.synchronisation_ns": first and length_ns([_synchronisation(records, first)]),
        "reprotection.stopped_ns": first and _stopped_ns(records, first),
        "reprotection.bytes": first and sum(row.shipped_bytes for row in _rounds(records, first)),
        "failback.count": sum(event.kind == "returned" for event in records.event_rows),
        "failback.latency_ns": planned.latency_ns if planned else None,
        "failback.blackout_ns": length_of(records.blackout_across(moved)),
    }


def _rounds(records: Records, pair: int) -> list[EpochRow]:
    """Return the rounds in which all memory was copied before a pair of hosts protected the VM.

    Those of a synchronisation with a host that failed meanwhile are not among them.
    """
    begun_ns, _ = _synchronisation(records, pair)
    rows = (row for row in records.epoch_rows if row.pair == pair and row.whole_memory)
    return [row for row in rows if row.started_ns >= begun_ns]


def _synchronisation(records: Records, pair: int) -> Interval:
    """Return when the synchronisation began with which a pair became one, and when it ended."""
    begun_ns = records.pairs[pair].begun_ns
    times = (event.time_ns for event in records.event_rows if event.kind == "synchronise")
    return max(time_ns for time_ns in times if time_ns <= begun_ns), begun_ns


def _stopped_ns(records: Records, pair: int) -> int:
    """Return for how long a VM stood still while it was synchronised."""
    synchronisation = _synchronisation(records, pair)
    ran = overlap_ns([synchronisation], records.spans[records.pairs[pair].primary])
    return length_ns([synchronisation]) - ran


def _loss(records: Records) -> Metrics:
    findings = records.findings
    return {
        "loss.work_ns": _lost_work_ns(records),
        "loss.outputs": findings.outputs_lost,
        "loss.split_brain_ns": findings.split_brain_ns,
        "loss.split_brain_outputs": findings.split_brain_outputs,
        "loss.diverged_lines": findings.diverged_lines,
        "image.consistent": findings.mismatched_lines == 0,
        "image.mismatched_lines": findings.mismatched_lines,
    }


def _lost_work_ns(records: Records) -> int | None:
    """Return the guest time between what the second host has in the end and the end of the VM on the first.

    A host that nothing has silenced ends its part when the other takes over.
    """
    ended = _first_reading(records, ("switchover", "down", "takeover"))
    if ended is None:
        return None
    last = [each for each in records.readings if each.pair == ended.pair][-1]
    return max(0, ended.guest_ns - last.committed_guest_ns)


def _guest(records: Records) -> Metrics:
    """Slowdown and its causes as shares of the time the guest would have taken unprotected."""
    end = _reading(records, _PROTECTED_UNTIL)
    causes = ("pause", "early_copy", "stall", "fault")
    if end.unprotected_ns <= 0:
        return dict.fromkeys(("guest.slowdown", *(f"guest.{name}_fraction" for name in causes)))
    stopped = _stopped_for(records, end.time_ns)
    lost = {name: float(length_ns(stopped[name])) for name in causes}
    lost["stall"] += end.logging_ns + end.contention_ns
    lost["fault"] += end.tracking_ns
    return {
        "guest.slowdown": end.time_ns / end.unprotected_ns - 1,
        **{f"guest.{name}_fraction": lost[name] / end.unprotected_ns for name in causes},
    }


def _stopped_for(records: Records, until_ns: int) -> dict[str, list[Interval]]:
    """Return when the VM stood still on its first host, by the cause; every instant has one.

    Where several causes meet, it is the checkpoint first, then a copy by the core of the VM, then an interrupt.
    """
    stopped = without([(0, until_ns)], records.spans[records.home])
    known = {
        "pause": [(row.paused_ns, row.resumed_ns if row.resumed_ns >= 0 else until_ns) for row in _own_stops(records)],
        "early_copy": _events_lasting(records, "early-copy"),
        "fault": _events_lasting(records, "interrupt"),
    }
    found: dict[str, list[Interval]] = {}
    for cause, intervals in known.items():
        found[cause] = clipped(stopped, intervals)
        stopped = without(stopped, intervals)
    return {**found, "stall": stopped}


def _own_stops(records: Records) -> list[EpochRow]:
    return [row for row in records.epoch_rows if row.pair == 0 and row.paused_ns >= 0]


def _events_lasting(records: Records, kind: str) -> list[Interval]:
    events = (event for event in records.event_rows if event.kind == kind and event.host == records.home)
    return [(event.time_ns, event.time_ns + event.duration_ns) for event in events]


def _checkpoints(records: Records) -> Metrics:
    """None of them under a protocol that makes no checkpoints."""
    epochs = [row for row in _own_stops(records) if row.committed_ns >= 0 and row.resumed_ns >= 0]
    epochs = [row for row in epochs if row.started_ns >= records.scenario.warm_up]
    pauses = [row.resumed_ns - row.paused_ns for row in epochs]
    latencies = [row.acknowledged_ns - row.captured_ns for row in epochs if row.acknowledged_ns >= 0]
    metrics: Metrics = {
        "checkpoint.count": len(epochs),
        "checkpoint.pause_p50_ns": _quantile(pauses, 0.5),
        "checkpoint.pause_p99_ns": _quantile(pauses, 0.99),
        "checkpoint.period_mean_ns": _period_ns(epochs),
        "checkpoint.commit_latency_p50_ns": _quantile(latencies, 0.5),
        "checkpoint.commit_latency_p99_ns": _quantile(latencies, 0.99),
    }
    makes_them = records.scenario.replication.makes_checkpoints
    return metrics if makes_them else dict.fromkeys(metrics)


def _period_ns(epochs: Sequence[EpochRow]) -> float | None:
    if not epochs:
        return None
    return float(np.mean(np.diff([epochs[0].started_ns, *(epoch.paused_ns for epoch in epochs)])))


def _replication(records: Records) -> Metrics:
    end = _reading(records, _SHIPPED_UNTIL)
    committed = [row for row in records.epoch_rows if row.pair == 0 and row.committed_ns >= 0]
    dirtied = sum(row.dirtied_bytes for row in committed)
    return {
        "replication.bytes": end.bytes_sent,
        "replication.lines": end.lines_received,
        "replication.bandwidth_bps": end.bytes_sent * 8e9 / max(1, end.time_ns),
        "replication.amplification": sum(row.shipped_bytes for row in committed) / dirtied if dirtied else None,
        "replication.memory_bytes": end.memory_bytes,
    }


def _log(records: Records) -> Metrics:
    end = _reading(records, _PROTECTED_UNTIL)
    return {
        "log.entries": end.log_castout + end.log_scan + end.log_transfer + end.log_software,
        "log.castout": end.log_castout,
        "log.scan": end.log_scan,
        "log.transfer": end.log_transfer,
        "log.duplicates": end.log_duplicates,
        "log.peak_fill": end.log_peak_fill,
        "log.interrupts": end.log_interrupts,
        "log.stall_ns": end.log_stall_ns,
    }


def _run(records: Records, wall_seconds: float, compile_seconds: float) -> Metrics:
    return {
        "run.accesses": records.accesses,
        "run.wall_seconds": wall_seconds,
        "run.compile_seconds": compile_seconds,
        "run.accesses_per_second": records.accesses / (wall_seconds - compile_seconds),
    }


def _first_reading(records: Records, kinds: Sequence[str]) -> Reading | None:
    return next((each for each in records.readings if each.event in kinds), None)


def _reading(records: Records, kinds: Sequence[str]) -> Reading:
    """Return what the counters of the first pair said at the first of these events, or at the end."""
    found = _first_reading(records, (*kinds, "end"))
    assert found is not None
    return found


def _difference(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier


def _quantile(values: Sequence[int], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed; one that has been observed."""
    return float(np.quantile(values, share, method="inverted_cdf")) if values else None


#: Metrics that tell of this machine, not of the simulated one.
WALL_CLOCK = ("run.wall_seconds", "run.compile_seconds", "run.accesses_per_second")
