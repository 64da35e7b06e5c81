"""Checkpoints of the first pair of hosts."""

from math import ceil

from results.recomputation.folder import Folder, Values

WITHOUT_CHECKPOINTS = ("record-replay", "live-precopy", "cold-restart")
NAMES = ("count", "pause_p50_ns", "pause_p99_ns", "period_mean_ns", "commit_latency_p50_ns", "commit_latency_p99_ns")


def metrics(folder: Folder) -> Values:
    values = dict.fromkeys(f"checkpoint.{name}" for name in NAMES)
    if folder.settings["replication"]["protocol"] in WITHOUT_CHECKPOINTS:
        return values
    made = [
        epoch
        for epoch in folder.epochs
        if epoch.pair == 0
        and min(epoch.paused_ns, epoch.resumed_ns, epoch.committed_ns) >= 0
        and epoch.started_ns >= folder.settings["warm_up"]
    ]
    pauses = [epoch.resumed_ns - epoch.paused_ns for epoch in made]
    latencies = [epoch.acknowledged_ns - epoch.captured_ns for epoch in made if epoch.acknowledged_ns >= 0]
    return {
        "checkpoint.count": len(made),
        "checkpoint.pause_p50_ns": _quantile(pauses, 50),
        "checkpoint.pause_p99_ns": _quantile(pauses, 99),
        "checkpoint.period_mean_ns": (made[-1].paused_ns - made[0].started_ns) / len(made) if made else None,
        "checkpoint.commit_latency_p50_ns": _quantile(latencies, 50),
        "checkpoint.commit_latency_p99_ns": _quantile(latencies, 99),
    }


def _quantile(values: list[int], percent: int) -> int | None:
    """Return the least of the values that as many per cent of them do not exceed."""
    return sorted(values)[ceil(percent * len(values) / 100) - 1] if values else None
