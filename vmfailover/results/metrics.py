"""The metrics of a run, by the names in `names`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vmfailover.cluster import Cluster
from vmfailover.failover.faults import FATAL
from vmfailover.guest.clients import Response
from vmfailover.hardware.cache.state import Counter
from vmfailover.hardware.processor import FS_PER_NS
from vmfailover.pair import Pair
from vmfailover.replication.epoch import Epoch
from vmfailover.results.audit import Audit
from vmfailover.results.failovers import exposures, moves
from vmfailover.results.invariants import overlap_ns
from vmfailover.results.progress import RateSampler

#: A metric's value; None where the run gives none, as the failover latency of a run without failure.
Value = int | float | bool | None
Metrics = dict[str, Value]


def metrics_of(cluster: Cluster, audit: Audit, sampler: RateSampler, wall_seconds: float) -> Metrics:
    """Compute every metric of a run that has ended."""
    return {
        **_failover(cluster, sampler),
        **_reprotection(cluster),
        **_clients(cluster),
        **_loss(cluster, audit),
        **_guest(cluster),
        **_checkpoints(cluster),
        **_replication(cluster, audit),
        **_log(cluster),
        **_run(cluster, wall_seconds),
    }


def _failover(cluster: Cluster, sampler: RateSampler) -> Metrics:
    """The parts add up to the latency: each begins where the one before ends.

    A false alarm has no latency; that of a planned evacuation begins when it stops the VM, and nothing has to be
    detected or fenced.
    """
    stopped = _time(cluster, "switchover")
    begun = [stopped] * 3 if stopped is not None else _unplanned(cluster)
    instants = [*begun, _time(cluster, "image-complete"), _time(cluster, "takeover")]
    parts = [_difference(later, earlier) for earlier, later in pairwise(instants)]
    names = ("detection", "fencing", "apply", "activation")
    return {
        "failover.latency_ns": _difference(instants[-1], instants[0]),
        **{f"failover.{name}_ns": part for name, part in zip(names, parts, strict=True)},
        "failover.count": sum(event.kind == "takeover" for event in cluster.journal.events),
        "failover.false_alarms": _false_alarms(cluster),
        "failover.warmup_ns": sampler.warmup_ns,
    }


def _reprotection(cluster: Cluster) -> Metrics:
    """Of several synchronisations and failbacks the first is told of."""
    events = cluster.journal.events
    exposed = [exposure.duration_ns for exposure in exposures(events, cluster.pairs, int(cluster.env.now))]
    synchronised = next((pair for pair in cluster.pairs[1:] if pair.synchronisation), None)
    planned = next((move for move in moves(events) if move.planned and move.destination == "primary"), None)
    return {
        "exposure.total_ns": sum(exposed),
        "exposure.longest_ns": max(exposed, default=0),
        "reprotection.count": sum(bool(pair.synchronisation) for pair in cluster.pairs),
        "reprotection.synchronisation_ns": _synchronisation_ns(cluster, synchronised),
        "reprotection.stopped_ns": _stopped_ns(cluster, synchronised),
        "reprotection.bytes": sum(epoch.shipped_bytes for epoch in synchronised.synchronisation)
        if synchronised
        else None,
        "failback.count": sum(event.kind == "returned" for event in events),
        "failback.latency_ns": planned.latency_ns if planned else None,
        "failback.blackout_ns": _blackout_ns(cluster, planned.stopped_ns, planned.running_ns) if planned else None,
    }


def _synchronisation_ns(cluster: Cluster, pair: Pair | None) -> int | None:
    return pair.begun_ns - _synchronisation_began(cluster, pair) if pair else None


def _synchronisation_began(cluster: Cluster, pair: Pair) -> int:
    times = (event.time_ns for event in cluster.journal.events if event.kind == "synchronise")
    return max(time_ns for time_ns in times if time_ns <= pair.begun_ns)


def _stopped_ns(cluster: Cluster, pair: Pair | None) -> int | None:
    """Return for how long a VM stood still while it was synchronised."""
    if pair is None:
        return None
    began_ns = _synchronisation_began(cluster, pair)
    ran = overlap_ns([(began_ns, pair.begun_ns)], pair.primary.vm.spans)
    return pair.begun_ns - began_ns - ran


def _false_alarms(cluster: Cluster) -> int:
    """Count the verdicts on hosts that nothing had struck that ends their service."""
    struck: set[str] = set()
    alarms = 0
    for event in cluster.journal.events:
        if (event.kind in ("failure", "fault") and event.detail in FATAL) or event.kind in ("down", "standby-down"):
            struck.add(event.host)
        elif event.kind == "repaired":
            struck.discard(event.host)
        elif event.kind in ("detect", "detect-loss", "synchronisation-failed"):
            alarms += event.detail not in struck
    return alarms


def _unplanned(cluster: Cluster) -> list[int | None]:
    """Return the instants of the failure, unless it was a false alarm, of its detection, and of the fencing."""
    detected, failed = _time(cluster, "detect"), _time(cluster, "failure")
    answered = failed is not None and (detected is None or failed <= detected)
    return [failed if answered else None, detected, _time(cluster, "fence")]


def _clients(cluster: Cluster) -> Metrics:
    responses = cluster.clients.received if cluster.clients else []
    first_ns = cluster.scenario.warm_up - (cluster.clients.spec.latency if cluster.clients else 0)
    latencies = [response.received_ns - response.sent_ns for response in responses if response.sent_ns >= first_ns]
    return {
        "client.blackout_ns": _blackout_ns(cluster, _time(cluster, "down"), _time(cluster, "takeover")),
        "client.latency_mean_ns": float(np.mean(latencies)) if latencies else None,
        "client.latency_p50_ns": _quantile(latencies, 0.5),
        "client.latency_p99_ns": _quantile(latencies, 0.99),
        "client.latency_p999_ns": _quantile(latencies, 0.999),
    }


def _blackout_ns(cluster: Cluster, down_ns: int | None, running_ns: int | None) -> int | None:
    gap = blackout(cluster.clients.received if cluster.clients else [], down_ns, running_ns)
    return gap[1] - gap[0] if gap else None


def blackout(responses: Sequence[Response], down_ns: int | None, takeover_ns: int | None) -> tuple[int, int] | None:
    """Return the longest time (from, to) without a response that has part of the time without a VM in it.

    It begins with the run if no response came before; None if all hosts were well or no response came after.
    """
    if down_ns is None or takeover_ns is None:
        return None
    times = [0, *sorted(response.received_ns for response in responses)]
    if times[-1] <= takeover_ns:
        return None
    gaps = [(start, end) for start, end in pairwise(times) if end > down_ns and start < takeover_ns]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def _loss(cluster: Cluster, audit: Audit) -> Metrics:
    stopped_ns = _time(cluster, "switchover")
    pair = cluster.failed_pair
    down_ns = pair.down_ns if stopped_ns is None else stopped_ns
    committed = pair.protection.committed
    work = None if down_ns is None else max(0, pair.primary.vm.guest_ns(down_ns) - committed.guest_ns)
    return {
        "loss.work_ns": work,
        "loss.outputs": audit.outputs_lost,
        "loss.split_brain_ns": audit.split_brain_ns,
        "loss.split_brain_outputs": audit.split_brain_outputs,
        "loss.diverged_lines": audit.diverged_lines,
        "image.consistent": audit.mismatched_lines == 0,
        "image.mismatched_lines": audit.mismatched_lines,
    }


def _guest(cluster: Cluster) -> Metrics:
    """Slowdown and its causes as shares of the time the guest would have taken unprotected."""
    vm, protection = cluster.primary.vm, cluster.protection
    elapsed = _protected_ns(cluster)
    logging_ns = vm.processor.count(Counter.LOG_WRITE_FS) / FS_PER_NS / vm.processor.working_cores
    tracking_ns = vm.processor.count(Counter.TRACKING_FS) / FS_PER_NS / vm.processor.working_cores
    lost_in_guest_ns = logging_ns + tracking_ns + vm.contention_ns / vm.processor.working_cores
    unprotected = vm.guest_ns(elapsed) - lost_in_guest_ns
    if unprotected <= 0:
        return dict.fromkeys(("guest.slowdown", *(f"guest.{name}_fraction" for name in ("pause", "stall", "fault"))))
    pauses = sum(_pause_ns(epoch, elapsed) for epoch in cluster.pairs[0].epochs)
    faults = tracking_ns + protection.interrupt_ns
    stalls = max(0.0, elapsed - unprotected - pauses - faults)
    return {
        "guest.slowdown": elapsed / unprotected - 1,
        "guest.pause_fraction": pauses / unprotected,
        "guest.stall_fraction": stalls / unprotected,
        "guest.fault_fraction": faults / unprotected,
    }


def _protected_ns(cluster: Cluster) -> int:
    """Return how long the VM was on the primary."""
    ends = [_time(cluster, kind) for kind in ("down", "switchover", "alone")]
    return min([int(cluster.env.now), *(end for end in ends if end is not None)])


def _pause_ns(epoch: Epoch, until_ns: int) -> int:
    """Return how long an epoch's checkpoint has stopped the VM by an instant."""
    if not 0 <= epoch.paused_ns < until_ns:
        return 0
    return (min(epoch.resumed_ns, until_ns) if epoch.resumed_ns >= 0 else until_ns) - epoch.paused_ns


def _checkpoints(cluster: Cluster) -> Metrics:
    commits = cluster.journal.times("commit")
    warm_ns = cluster.scenario.warm_up
    begun = [epoch for epoch in cluster.pairs[0].epochs if epoch.started_ns >= warm_ns and epoch.paused_ns >= 0]
    epochs = [epoch for epoch in begun if epoch.number in commits]
    pauses = [epoch.pause_ns for epoch in epochs]
    latencies = [epoch.acknowledged_ns - epoch.captured_ns for epoch in epochs if epoch.acknowledged_ns >= 0]
    return {
        "checkpoint.count": len(epochs),
        "checkpoint.pause_p50_ns": _quantile(pauses, 0.5),
        "checkpoint.pause_p99_ns": _quantile(pauses, 0.99),
        "checkpoint.period_mean_ns": _period_ns(epochs),
        "checkpoint.commit_latency_p50_ns": _quantile(latencies, 0.5),
        "checkpoint.commit_latency_p99_ns": _quantile(latencies, 0.99),
    }


def _period_ns(epochs: Sequence[Epoch]) -> float | None:
    if not epochs:
        return None
    return float(np.mean(np.diff([epochs[0].started_ns, *(epoch.paused_ns for epoch in epochs)])))


def _replication(cluster: Cluster, audit: Audit) -> Metrics:
    shipped = cluster.pairs[0].bytes_sent
    protected_ns = _protected_ns(cluster)
    committed = cluster.protection.committed_epoch
    committed_bytes = sum(epoch.shipped_bytes for epoch in cluster.pairs[0].epochs if epoch.number <= committed)
    dirtied = audit.committed_bytes
    return {
        "replication.bytes": shipped,
        "replication.lines": cluster.protection.lines_received,
        "replication.bandwidth_bps": shipped * 8e9 / max(1, protected_ns),
        "replication.amplification": committed_bytes / dirtied if dirtied else None,
        "replication.memory_bytes": cluster.protection.memory_bytes,
    }


def _log(cluster: Cluster) -> Metrics:
    count = cluster.primary.vm.processor.count
    causes = {
        "log.castout": count(Counter.LOG_CASTOUT),
        "log.scan": count(Counter.LOG_SCAN),
        "log.transfer": count(Counter.LOG_TRANSFER),
    }
    return {
        "log.entries": sum(causes.values()) + count(Counter.LOG_SOFTWARE),
        **causes,
        "log.duplicates": sum(epoch.duplicates for epoch in cluster.pairs[0].epochs),
        "log.peak_fill": cluster.primary.vm.log.peak_fill,
        "log.interrupts": cluster.protection.interrupts,
        "log.stall_ns": cluster.protection.log_stall_ns,
    }


def _run(cluster: Cluster, wall_seconds: float) -> Metrics:
    accesses = sum(node.vm.accesses for node in cluster.machines.built)
    return {
        "run.accesses": accesses,
        "run.wall_seconds": wall_seconds,
        "run.accesses_per_second": accesses / wall_seconds,
    }


def _time(cluster: Cluster, kind: str) -> int | None:
    event = cluster.journal.first(kind)
    return event.time_ns if event else None


def _difference(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier


def _quantile(values: Sequence[int], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed; one that has been observed."""
    return float(np.quantile(values, share, method="inverted_cdf")) if values else None


#: Metrics that tell of this machine, not of the simulated one.
WALL_CLOCK = ("run.wall_seconds", "run.accesses_per_second")
