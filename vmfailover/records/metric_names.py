"""The metrics of a run: their names, which users and scripts hold on to, and the one definition of each.

A name ends in its unit where it has one: `_ns` nanoseconds of simulated time, `_bps` bits per second. Words in
backquotes are keys of the scenario, kinds of events (`vmfailover schema --events`) and columns of the tables that
`run --out` writes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, defined."""

    #: What it says, in a line.
    meaning: str
    #: From when to when, and over which population.
    span: str
    #: When there is no value; empty if there always is one.
    none: str = ""


#: The whole time of the first failover, and what its parts have in common.
_MOVE = (
    "the first takeover of the run, or the one that it ended in, whose parts follow one another; a failure that passes "
    "before the verdict does not lead to it, and of several at once the first does, until the last has passed; that of "
    "an evacuation begins with `switchover`, nothing being detected or fenced"
)
_NO_MOVE = "nothing failed, the run ended before, or it was a false alarm, which has no latency"
#: What the metrics of clients are about.
_OUTAGE = (
    "the first outage: from the first `failure`, `down` or `switchover`, or, where the other host was given up first "
    "and the VM went on alone, or could not since no order to fence that host succeeded, from what that host was given "
    "up for, until `takeover` or `alone`, or until the fault, and every one of its kind that struck meanwhile, has "
    "passed, unless the host was given up before and then silenced"
)
_FATAL = "a fault that ends its service (host-crash, power-loss, vm-crash, memory-error, hypervisor-hang)"
_EXPOSED = (
    f"from the failure of either host of a pair, which is {_FATAL} and does not pass, unless the host was given up "
    "before and then silenced, or from `down`, `standby-down`, `alone` or `takeover` where that comes first, until the "
    "next pair, or the end; of several faults at once on a host the first counts, until the last has passed"
)
_NO_PART = "the run ended before"
_PROTECTED = (
    "from the start until the VM ends on its first host, is stopped to move, goes on alone, or is taken over: the "
    "reading at the first `down`, `switchover`, `alone` or `takeover`, or at the end"
)
_FRACTION = (
    f"{_PROTECTED}; ÷ the time of the unprotected guest; of several causes at once it is the checkpoint, then the "
    "copy, then the interrupt"
)
_NO_GUEST = "the VM has not executed"
_CHECKPOINTS = (
    "checkpoints of the first pair of hosts that had the VM run again and were committed by the end, and whose epochs "
    "began after `warm_up`"
)
_MAKES_NONE = "the protocol makes none (record-replay, live-precopy, cold-restart)"
_NO_CHECKPOINT = f"there were none, or {_MAKES_NONE}"
_QUANTILE = f"{_CHECKPOINTS}; the least time that at least as many of them do not exceed"
_AUDIT = "the whole run, as the audit finds it by executing the guest's program a second time"
_MIGRATION = "the planned evacuation of live-precopy, whose rounds are the epochs with `whole_memory`"
_NO_MIGRATION = "another protocol, or it did not come so far"
_NO_LAST_ROUND = "another protocol, or the run ended before the last round, with the VM stopped, was sent"
_SHIPPED = (
    "from the start until the first host is down, goes on alone, or has handed the VM over: the reading at the first "
    "`down`, `alone` or `takeover`, or at the end"
)

_PHASES = {
    "": ("requests", "requests sent after `warm_up`"),
    "before.": ("requests sent before the first failure", f"requests sent after `warm_up` and before {_OUTAGE}"),
    "across.": ("requests sent during the outage", f"requests sent after `warm_up` and during {_OUTAGE}"),
    "after.": ("requests sent after the outage", f"requests sent after `warm_up` and after {_OUTAGE}"),
}
_QUANTILES = {"p50": "median", "p99": "99th percentile", "p999": "99.9th percentile"}


def _clients() -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for phase, (which, population) in _PHASES.items():
        name, censored = f"client.{phase}", f"{population}; one without an answer has taken at least until the end"
        found[f"{name}requests"] = Metric(f"number of {which}", population, "no clients")
        found[f"{name}unanswered"] = Metric(f"number of {which} and not answered by the end", population, "no clients")
        found[f"{name}latency_mean_ns"] = Metric(
            f"mean response time of {which}",
            f"{censored}: the area under the Kaplan–Meier curve up to the longest time seen, a lower bound where the "
            "curve does not reach 0",
            "no requests",
        )
        found[f"{name}latency_mean_at_least_ns"] = Metric(
            f"the mean response time of {which}, if it is a lower bound only", censored, "the mean is exact, or none"
        )
        for label, word in _QUANTILES.items():
            found[f"{name}latency_{label}_ns"] = Metric(
                f"{word} of the response time of {which}",
                f"{censored}: the least time by which, as Kaplan and Meier estimate, so many are answered",
                "so many have no answer that the curve does not reach it",
            )
            found[f"{name}latency_{label}_at_least_ns"] = Metric(
                f"lower bound of the {word} of the response time of {which}: the longest time seen",
                censored,
                "the quantile itself is known, or there are no requests",
            )
    return found


#: Every metric by its name, in the order in which all that lists them does.
DEFINITIONS: dict[str, Metric] = {
    "failover.latency_ns": Metric(
        "from the failure to the first instruction of the VM on the secondary", _MOVE, _NO_MOVE
    ),
    "failover.detection_ns": Metric(
        "part of the latency: until the failure is noticed", "from the failure to the verdict of the detector", _NO_MOVE
    ),
    "failover.fencing_ns": Metric(
        "part of the latency: until the failed host is known to be silent; the vote and the election are part of it",
        "from the verdict to the fence",
        _NO_PART,
    ),
    "failover.apply_ns": Metric(
        "part of the latency: until the image is at a state from which the VM can run; the promotion is part of it",
        "from the fence to the complete image",
        _NO_PART,
    ),
    "failover.activation_ns": Metric(
        "part of the latency: until state is restored and the VM runs",
        "from the complete image to the first instruction",
        _NO_PART,
    ),
    "failover.count": Metric("takeovers by the secondary", "the whole run"),
    "failover.false_alarms": Metric(
        "verdicts of a detector on a host that had not failed",
        "`detect`, `detect-loss` and `synchronisation-failed` in the whole run, about a host that has not gone down "
        f"since it was put into service, nor been struck by {_FATAL}, or no longer suffers from it",
    ),
    "failover.warmup_ns": Metric(
        "from the takeover until the guest is back at 95 % of its unprotected rate",
        "from the first takeover to the begin of the first millisecond, looked at every 100 µs, that has that rate; "
        "the rate is what the guest's program executed on its host up to the failure or the false alarm, since it was "
        "protected there, ÷ the time that it had for that, less logging, tracking, contention and, shared among the "
        "cores that worked, the time spent on requests, which counts as it is afterwards",
        "no takeover, the guest was not back by the end or before it went to another host, or its program had executed "
        "nothing",
    ),
    "failover.warmup_deficit_ns": Metric(
        "work not done while the guest warmed up",
        "the warm-up, less the time that an unprotected guest would have needed for what was done in it; at least 0",
        "the warm-up is not known",
    ),
    "failover.cost_ns": Metric(
        "what the failure cost the guest: failover latency, lost work and warm-up deficit",
        "their sum",
        "one of them is not known",
    ),
    "exposure.total_ns": Metric(
        "time in which no second host could have taken over",
        f"{_EXPOSED}, summed",
    ),
    "exposure.longest_ns": Metric(
        "longest time in a row in which no second host could have taken over",
        _EXPOSED,
    ),
    "reprotection.count": Metric(
        "synchronisations with a further host that came to their end", "`synchronise` to `protected`, in the whole run"
    ),
    "reprotection.synchronisation_ns": Metric(
        "time that the first of them took", "from its begin until the VM is protected", "there was none"
    ),
    "reprotection.stopped_ns": Metric(
        "part of it in which the VM stood still", "the first synchronisation that came to its end", "there was none"
    ),
    "reprotection.bytes": Metric(
        "bytes of memory copied in it", "the epochs with `whole_memory` that began in it", "there was none"
    ),
    "failback.count": Metric("planned moves back to the primary", "the whole run"),
    "failback.latency_ns": Metric(
        "from the VM being stopped for the first of them to its first instruction there",
        "the first failback",
        "there was none",
    ),
    "failback.blackout_ns": Metric(
        "longest gap between two responses across it",
        "gaps with part of the first failback in them",
        "there was none, or no clients",
    ),
    "migration.total_ns": Metric(
        "time that the evacuation took", "from its first round to the first instruction", _NO_MIGRATION
    ),
    "migration.downtime_ns": Metric(
        "time for which the evacuation stopped the VM", "from the stop to the first instruction", _NO_MIGRATION
    ),
    "migration.rounds": Metric("rounds of the evacuation, the last with the VM stopped", _MIGRATION, _NO_LAST_ROUND),
    "migration.bytes": Metric("bytes of memory copied by the evacuation", _MIGRATION, _NO_LAST_ROUND),
    "migration.converged": Metric(
        "whether as little as had been asked for was left for the last round",
        f"{_MIGRATION}: no more than `replication.precopy.least` pages of 4 KiB, or of `replication.granularity` if "
        "that is more",
        _NO_LAST_ROUND,
    ),
    "client.blackout_ns": Metric(
        "longest gap between two responses across the failure",
        "gaps with part of the outage in them, from the start if no response came before, to the end if none came "
        f"after; {_OUTAGE}",
        "no outage, or no clients",
    ),
    **_clients(),
    "loss.work_ns": Metric(
        "guest time between the capture of the last committed checkpoint and the failure",
        "the guest's time at the first `down`, `switchover` or `takeover`, less that of the state that the second host "
        "of that pair has in the end: as captured for the last committed epoch, or, where it executes the program "
        "itself (output-compare), as far as it has come; at least 0",
        "nothing ended the VM where it ran",
    ),
    "loss.outputs": Metric("outputs released that the secondary's state does not account for", _AUDIT),
    "loss.split_brain_ns": Metric("time for which both hosts ran the VM", "from each takeover on, summed"),
    "loss.split_brain_outputs": Metric(
        "answers that the old primary let leave after the secondary had taken over", "from each takeover on"
    ),
    "loss.diverged_lines": Metric("lines that differ between the hosts at the end, if both have run the VM", _AUDIT),
    "image.consistent": Metric("whether the secondary's image was exactly the last committed checkpoint", _AUDIT),
    "image.mismatched_lines": Metric(
        "lines of the secondary's image that were not at the last committed checkpoint", _AUDIT
    ),
    "guest.slowdown": Metric(
        "time of the protected guest ÷ time of an unprotected one for the same instructions, −1",
        f"{_PROTECTED}; the unprotected one needs the time that the VM executed, less what logging, tracking and "
        "contention took of it and was not made up for by waiting less",
        _NO_GUEST,
    ),
    "guest.pause_fraction": Metric("part of the slowdown: stopped for checkpoints", _FRACTION, _NO_GUEST),
    "guest.early_copy_fraction": Metric(
        "part of the slowdown: stopped between checkpoints while the VM's core copies", _FRACTION, _NO_GUEST
    ),
    "guest.stall_fraction": Metric(
        "part of the slowdown: stalled by the log and by contention for memory", _FRACTION, _NO_GUEST
    ),
    "guest.fault_fraction": Metric(
        "part of the slowdown: faults and interrupts taken for replication", _FRACTION, _NO_GUEST
    ),
    "checkpoint.count": Metric("checkpoints committed", _CHECKPOINTS, _MAKES_NONE),
    "checkpoint.pause_p50_ns": Metric("median time for which a checkpoint stops the VM", _QUANTILE, _NO_CHECKPOINT),
    "checkpoint.pause_p99_ns": Metric(
        "99th percentile of the time for which a checkpoint stops the VM", _QUANTILE, _NO_CHECKPOINT
    ),
    "checkpoint.period_mean_ns": Metric(
        "mean time from one checkpoint to the next",
        f"{_CHECKPOINTS}; from stop to stop, the first from the begin of its epoch",
        _NO_CHECKPOINT,
    ),
    "checkpoint.commit_latency_p50_ns": Metric(
        "median time from the capture of a checkpoint to its acknowledgement",
        f"{_QUANTILE}; those acknowledged",
        _NO_CHECKPOINT,
    ),
    "checkpoint.commit_latency_p99_ns": Metric(
        "99th percentile of the time from capture to acknowledgement",
        f"{_QUANTILE}; those acknowledged",
        _NO_CHECKPOINT,
    ),
    "replication.bytes": Metric("bytes that have left over the link for replication", _SHIPPED),
    "replication.lines": Metric("cache lines that have arrived at the secondary", _SHIPPED),
    "replication.bandwidth_bps": Metric(
        "mean use of the link by replication, framing aside", f"`replication.bytes` × 8 ÷ the time {_SHIPPED}"
    ),
    "replication.amplification": Metric(
        "bytes shipped ÷ distinct bytes modified, at the finest grain known",
        "the committed epochs of the first pair of hosts; 64-byte blocks, counted in each epoch anew",
        "no epoch was committed, or nothing was modified",
    ),
    "replication.memory_bytes": Metric(
        "memory taken on both hosts, at most, beside the VM's own on the primary", _SHIPPED
    ),
    "log.entries": Metric("addresses logged, for any cause and by the hypervisor", _PROTECTED),
    "log.castout": Metric("addresses logged because a flagged line was evicted", _PROTECTED),
    "log.scan": Metric("addresses logged by checks of the flags", _PROTECTED),
    "log.transfer": Metric("addresses logged because a flagged line moved to another core's cache", _PROTECTED),
    "log.duplicates": Metric(
        "addresses dropped because the same reading of the log had them already",
        f"epochs of the first pair of hosts that began in the time {_PROTECTED}",
    ),
    "log.peak_fill": Metric("largest share of the log in use", _PROTECTED),
    "log.interrupts": Metric("interrupts at the guard band", _PROTECTED),
    "log.stall_ns": Metric("time for which the processor waited for a free slot in the log", _PROTECTED),
    "run.accesses": Metric("memory accesses simulated", "the whole run, on all hosts"),
    "run.wall_seconds": Metric("time the run took on this machine", "from building the cluster to the verdicts"),
    "run.compile_seconds": Metric(
        "part of that time in which machine code was compiled, or loaded if it was there already", "the whole run"
    ),
    "run.accesses_per_second": Metric(
        "accesses simulated per second of wall time", "`run.accesses` ÷ (`run.wall_seconds` − `run.compile_seconds`)"
    ),
}
#: What each metric says, in a line.
METRICS: dict[str, str] = {name: metric.meaning for name, metric in DEFINITIONS.items()}
#: Metrics that are truth values.
TRUTHS = ("migration.converged", "image.consistent")


def bound_name(metric: str) -> str:
    """Return the metric that has a lower bound of this one: `client.latency_p99_at_least_ns` of the 99th percentile."""
    return f"{metric.removesuffix('_ns')}_at_least_ns"
