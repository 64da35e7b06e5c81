"""The first takeover, evacuation or not: its parts, what it cost, and how many there were."""

from dataclasses import dataclass

from results.recomputation.failures import failure_at, is_down
from results.recomputation.folder import Folder, Row, Values

WINDOW, STEP_NS, BACK_AT = 10, 100_000, 0.95


@dataclass
class Takeover:
    """Instants of the first takeover, or of the one that the run ended in; None for what there was not."""

    failed: int | None = None
    detected: int | None = None
    fenced: int | None = None
    complete: int | None = None
    running: int | None = None


def first_takeover(folder: Folder) -> Takeover:
    """Follow the first takeover back to its beginning: of each step, the last one before the next."""
    arrival = next((index for index, event in enumerate(folder.events) if event.kind == "takeover"), None)
    until = len(folder.events) if arrival is None else arrival + 1
    paired = max((row for row in range(until) if folder.events[row].kind in ("protected", "returned")), default=0)
    pair = folder.pair_begins[sum(event.kind == "protected" for event in folder.events[:until])]
    own = range(paired, until)
    past = [folder.events[row] for row in own]
    verdicts = [row for row in own if folder.events[row].kind == "detect" and folder.events[row].detail == pair[1]]
    failure = failure_at(folder, pair[1], verdicts[0] if verdicts else until)
    found = Takeover(running=None if arrival is None else folder.events[arrival].time_ns)
    found.complete = _last(past, "image-complete")
    found.fenced = _last(past, "fence")
    found.detected = folder.events[verdicts[0]].time_ns if verdicts else None
    found.failed = failure.cause.time_ns if failure else None
    stopped = _last(past, "switchover")
    if stopped is not None:
        found.failed = found.detected = found.fenced = stopped
    return found


def _last(events: list[Row], kind: str) -> int | None:
    return next((event.time_ns for event in reversed(events) if event.kind == kind), None)


def metrics(folder: Folder) -> Values:
    move = first_takeover(folder)
    latency = _between(move.failed, move.running)
    lost, (warm_up, deficit) = lost_work_ns(folder), _warm_up(folder, move)
    cost = None if None in (latency, lost, deficit) else latency + lost + deficit  # type: ignore[operator]
    return {
        "failover.latency_ns": latency,
        "failover.detection_ns": _between(move.failed, move.detected),
        "failover.fencing_ns": _between(move.detected, move.fenced),
        "failover.apply_ns": _between(move.fenced, move.complete),
        "failover.activation_ns": _between(move.complete, move.running),
        "failover.count": len(folder.of_kind("takeover")),
        "failover.false_alarms": _false_alarms(folder),
        "failover.warmup_ns": warm_up,
        "failover.warmup_deficit_ns": deficit,
        "failover.cost_ns": cost,
        "loss.work_ns": lost,
        **_evacuation(folder),
    }


def _between(earlier: int | None, later: int | None) -> int | None:
    return None if earlier is None or later is None else later - earlier


def _false_alarms(folder: Folder) -> int:
    """A verdict is false unless the host is down, or a fault that ends its service has struck it and has not passed."""
    verdicts = ("detect", "detect-loss", "synchronisation-failed")
    about = [(row, event.detail) for row, event in enumerate(folder.events) if event.kind in verdicts]
    return sum(not is_down(folder, host, row) and failure_at(folder, host, row) is None for row, host in about)


def lost_work_ns(folder: Folder) -> int | None:
    """Return for how long the VM ran on its host after the state that the other host has in the end was captured.

    Under output-compare the other host executes the program itself, and has no captured state.
    """
    end = folder.reading_at("switchover", "down", "takeover")
    if end is None:
        return None
    if folder.settings["replication"]["protocol"] == "output-compare":
        kept: list[int] = [each.committed_guest_ns for each in folder.readings if each.pair == end.pair]
        return max(0, int(end.guest_ns) - kept[-1])
    began, host, _ = folder.pair_begins[end.pair]
    captured = [each.captured_ns for each in folder.epochs if each.pair == end.pair and each.committed_ns >= 0]
    return folder.ran_ns(host, captured[-1] if captured else began, end.time_ns)


def _warm_up(folder: Folder, move: Takeover) -> tuple[int | None, float | None]:
    """Look at the progress after the takeover until a millisecond begins with 95 % of the rate before the failure."""
    rate, cores = _rate_before(folder, move) if move.running is not None else (0.0, 1)
    if rate == 0:
        return None, None
    done = [each.instructions / rate + each.served_ns / cores for each in folder.progress]
    for begin in range(len(done) - WINDOW):
        if done[begin + WINDOW] - done[begin] >= BACK_AT * WINDOW * STEP_NS:
            assert folder.progress[begin].time_ns - folder.progress[0].time_ns == begin * STEP_NS
            return begin * STEP_NS, max(0.0, begin * STEP_NS - (done[begin] - done[0]))
    return None, None


def _rate_before(folder: Folder, move: Takeover) -> tuple[float, int]:
    """Return instructions per nanosecond of the guest's program on its host, less all the time of protection.

    And how many cores worked there.
    """
    began_at = move.failed if move.failed is not None else move.detected
    last = next(
        each
        for each in folder.readings
        if each.time_ns == began_at and each.event in ("failure", "detect", "switchover")
    )
    executed, took = last.instructions, _own_ns(last)
    for first in folder.readings:
        if first.event == "protected" and first.pair == last.pair:
            executed, took = executed - first.instructions, took - _own_ns(first)
    return (executed / took if executed and took > 0 else 0.0), last.working_cores


def _own_ns(reading: Row) -> float:
    served = reading.served_ns / reading.working_cores
    return float(reading.guest_ns - reading.logging_ns - reading.tracking_ns - reading.contention_ns - served)


def _evacuation(folder: Folder) -> Values:
    """A planned evacuation goes in rounds, the last of them with the VM stopped."""
    rounds = [epoch for epoch in folder.epochs if epoch.whole_memory and epoch.pair == 0]
    stopped, running = (
        next((each.time_ns for each in folder.of_kind(kind)), None) for kind in ("switchover", "takeover")
    )
    names = ("total_ns", "downtime_ns", "rounds", "bytes", "converged")
    found: Values = dict.fromkeys(f"migration.{name}" for name in names)
    replication = folder.settings["replication"]
    paced, complete = replication.get("migration") is not None, any(each.paused_ns == stopped for each in rounds)
    if not rounds or not (paced or complete):
        return found
    page = max(replication["granularity"] or 0, 4096)
    left = rounds[-1].lines * folder.settings["hosts"]["primary"]["line"]
    return {
        "migration.total_ns": _between(rounds[0].started_ns, running),
        "migration.downtime_ns": _between(stopped, running),
        "migration.rounds": len(rounds),
        "migration.bytes": sum(each.shipped_bytes for each in rounds),
        "migration.converged": complete if paced else left <= replication["precopy"]["least"] * page,
    }
