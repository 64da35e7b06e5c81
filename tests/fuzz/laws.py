"""The laws that hold in every run of every legal scenario.

A law looks at what a run tells its user, and yields a sentence for each thing that is not as it promises.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from math import isfinite
from typing import Any

from .seen import Row, Seen

Law = Callable[[Seen], Iterator[str]]
#: Every law by its name.
LAWS: dict[str, Law] = {}

#: Metrics that scripts hold on to.
PROMISED = (
    *(f"failover.{name}_ns" for name in ("latency", "detection", "fencing", "apply", "activation", "warmup")),
    "failover.count",
    "client.blackout_ns",
    *(f"client.latency_{name}_ns" for name in ("mean", "p50", "p99", "p999")),
    *("loss.work_ns", "loss.outputs", "loss.split_brain_ns", "image.consistent", "image.mismatched_lines"),
    *("guest.slowdown", "guest.pause_fraction", "guest.stall_fraction", "guest.fault_fraction"),
    "checkpoint.count",
    *(f"checkpoint.{name}_ns" for name in ("pause_p50", "pause_p99", "period_mean")),
    *(f"checkpoint.commit_latency_{name}_ns" for name in ("p50", "p99")),
    *(f"replication.{name}" for name in ("bytes", "lines", "bandwidth_bps", "amplification")),
    *(f"log.{name}" for name in ("entries", "castout", "scan", "transfer", "duplicates", "peak_fill", "interrupts")),
    *("log.stall_ns", "run.accesses", "run.wall_seconds", "run.compile_seconds", "run.accesses_per_second"),
    *("guest.early_copy_fraction", "client.requests", "client.unanswered"),
    *(f"client.latency_{name}_at_least_ns" for name in ("p50", "p99", "p999")),
    *(f"client.{name}.latency_p99_ns" for name in ("before", "across", "after")),
    *(f"migration.{name}" for name in ("total_ns", "downtime_ns", "rounds", "bytes", "converged")),
)
#: Invariants that every protocol promises.
ALWAYS_JUDGED = ("image", "one_active_vm", "dirty_lines_balance", "program")
#: Protocols that make no checkpoints.
WITHOUT_CHECKPOINTS = ("live-precopy", "cold-restart", "record-replay")
#: Protocols under which the other host executes too.
EXECUTED_TWICE = ("output-compare", "record-replay")
#: Causes of a slowdown, which add up to it.
CAUSES = ("pause", "early_copy", "stall", "fault")
PARTS = ("detection", "fencing", "apply", "activation")
VERDICTS = ("detect", "detect-loss", "synchronisation-failed")
#: Durations, the events of which the first is the earliest begin of any of them, and those of which the first is the
#: latest end; the end of the run if there is none.
TIMES: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        tuple(f"failover.{name}_ns" for name in ("latency", *PARTS)),
        ("failure", "fault", "switchover", "detect"),
        ("takeover",),
    ),
    (("failover.warmup_ns", "failover.warmup_deficit_ns", "loss.split_brain_ns"), ("takeover",), ()),
    (("migration.downtime_ns",), ("switchover",), ("takeover",)),
    (("migration.total_ns",), ("epoch",), ("takeover",)),
    (
        ("exposure.total_ns", "exposure.longest_ns"),
        ("failure", "fault", "down", "standby-down", "alone", "takeover"),
        (),
    ),
    (("reprotection.synchronisation_ns", "reprotection.stopped_ns"), ("synchronise",), ()),
    (("failback.latency_ns",), ("failback",), ()),
)
#: Metrics that are numbers of something.
COUNTS = (
    *("failover.count", "failover.false_alarms", "reprotection.count", "failback.count", "checkpoint.count"),
    *("client.requests", "client.unanswered", "loss.outputs", "loss.split_brain_outputs", "loss.diverged_lines"),
    *("image.mismatched_lines", "replication.bytes", "replication.lines", "replication.memory_bytes"),
    *("reprotection.bytes", "run.accesses"),
    *(f"log.{name}" for name in ("entries", "castout", "scan", "transfer", "duplicates", "interrupts")),
)
#: Columns of an epoch that are instants, in the order in which they come, for what the primary does and for what
#: becomes of it; -1 if one never came.
CHECKPOINT = ("started_ns", "paused_ns", "captured_ns", "resumed_ns")
SHIPMENT = ("captured_ns", "sent_ns", "acknowledged_ns")
COMMITMENT = ("captured_ns", "committed_ns", "applied_ns")
#: Ways of breaking one law that are told of a run.
EXAMPLES = 4
#: Within which sums of fractions agree, beside whole nanoseconds of the times that they are made of.
ROUNDING = 1e-6
ROUNDED_NS = 16


def law(check: Law) -> Law:
    """Enter a law by its name; its first line is what it says."""
    LAWS[check.__name__] = check
    return check


def broken(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield each law that a run breaks, and how; of what it breaks again and again, the first few."""
    for name, check in LAWS.items():
        for text in islice(check(seen), EXAMPLES):
            yield name, text


@law
def the_invariants_hold(seen: Seen) -> Iterator[str]:
    """Every invariant is judged and holds, unless the configuration waives the promise; a sampled VM has no caches."""
    waived = _waived(seen)
    unknown = {"dirty_lines_balance"} if seen.scenario.fidelity == "sampled" else set()
    for name in sorted(set(ALWAYS_JUDGED) - unknown):
        if name not in seen.invariants:
            yield f"{name} is not judged"
    for name, verdict in seen.invariants.items():
        if not verdict["holds"] and name not in waived:
            yield f"{name}: {verdict['detail']}"
        if verdict["waived"] and name not in waived:
            yield f"{name} is waived, and the configuration promises it"


def _waived(seen: Seen) -> set[str]:
    """Return the invariants that a scenario does without."""
    waived: set[str] = set()
    if seen.scenario.fencing.kind == "none":
        waived |= {"one_active_vm"}
    if seen.scenario.replication.hypervisor_writes == "missed":
        waived |= {"image", "program", "nothing_lost_in_log"}
    return waived


@law
def one_host_runs_the_vm(seen: Seen) -> Iterator[str]:
    """With fencing, there is no instant at which two hosts run the VM."""
    if seen.scenario.fencing.kind == "none" or seen.scenario.replication.protocol in EXECUTED_TWICE:
        return
    spans = sorted((*span, host) for host, spans in seen.spans.items() for span in spans if span[0] < span[1])
    for (_, end, one), (start, _, other) in pairwise(spans):
        if start < end and one != other:
            yield f"{one} runs until {end} ns, {other} from {start} ns on"


@law
def spans_are_in_order(seen: Seen) -> Iterator[str]:
    """The times in which a host ran the VM follow each other and lie in the run."""
    for host, spans in seen.spans.items():
        instants = [instant for span in spans for instant in span]
        if instants != sorted(instants):
            yield f"{host}: {spans[:4]} …"
        if instants and not 0 <= min(instants) <= max(instants) <= seen.end_ns:
            yield f"{host} ran from {min(instants)} to {max(instants)} ns of {seen.end_ns}"


@law
def no_slowdown_is_negative(seen: Seen) -> Iterator[str]:
    """A protected guest is not faster than an unprotected one."""
    slowdown = seen.metrics["guest.slowdown"]
    if slowdown is not None and slowdown < -_rounding(seen, slowdown):
        yield f"guest.slowdown is {slowdown}"


@law
def the_slowdown_is_the_sum_of_its_causes(seen: Seen) -> Iterator[str]:
    """The slowdown is what its causes add up to."""
    slowdown = seen.metrics["guest.slowdown"]
    if slowdown is None:
        return
    causes = {name: seen.metrics.get(f"guest.{name}_fraction") for name in CAUSES}
    if not _close(seen, slowdown, sum(value or 0.0 for value in causes.values())):
        yield f"guest.slowdown is {slowdown}, its causes are {causes}"


@law
def no_fraction_is_negative(seen: Seen) -> Iterator[str]:
    """A share of the time is at least nothing, and a log is at most full."""
    for name, value in seen.metrics.items():
        if name.endswith("_fraction") and value is not None and value < 0:
            yield f"{name} is {value}"
    if not 0 <= seen.metrics["log.peak_fill"] <= 1:
        yield f"log.peak_fill is {seen.metrics['log.peak_fill']}"


def _close(seen: Seen, one: float, other: float) -> bool:
    return abs(one - other) <= _rounding(seen, max(abs(one), abs(other)))


def _rounding(seen: Seen, slowdown: float) -> float:
    """Return by how much a slowdown may be off because its times are whole nanoseconds."""
    ended = seen.first("down", "switchover", "alone", "takeover")
    elapsed = max(1, seen.end_ns if ended is None else ended)
    return (1 + abs(slowdown)) * (ROUNDING + ROUNDED_NS * (1 + abs(slowdown)) / elapsed)


@law
def durations_fit_into_the_run(seen: Seen) -> Iterator[str]:
    """No duration is negative, or longer than the run."""
    for name, value in seen.durations().items():
        if not 0 <= value <= seen.end_ns:
            yield f"{name} is {value} of {seen.end_ns} ns"


@law
def durations_fit_into_their_time(seen: Seen) -> Iterator[str]:
    """No duration is longer than from the first instant at which it can have begun to the last at which it can end."""
    durations = seen.durations()
    for names, begins, ends in TIMES:
        began_ns, ended_ns = seen.first(*begins), seen.first(*ends) if ends else None
        longest_ns = 0 if began_ns is None else (seen.end_ns if ended_ns is None else ended_ns) - began_ns
        for name in names:
            if name in durations and durations[name] > longest_ns:
                yield f"{name} is {durations[name]}, in at most {longest_ns} ns"


@law
def checkpoints_and_stalls_are_of_the_time_protected(seen: Seen) -> Iterator[str]:
    """Nothing that protection does takes longer than the VM was protected on its first host."""
    ended_ns = seen.first("down", "switchover", "alone", "takeover")
    longest_ns = seen.end_ns if ended_ns is None else ended_ns
    for name, value in seen.durations().items():
        if name.startswith(("checkpoint.", "log.")) and value > longest_ns:
            yield f"{name} is {value}, in {longest_ns} ns of protection"


@law
def nothing_happens_after_the_end(seen: Seen) -> Iterator[str]:
    """A run lasts as long as its scenario says, or until the failover is over that it waits for."""
    if not seen.scenario.duration <= seen.end_ns <= seen.longest_ns:
        yield f"it ended at {seen.end_ns} ns instead of {seen.scenario.duration} to {seen.longest_ns}"
    late = [event for event in seen.events if event["time_ns"] > seen.end_ns]
    if late:
        yield f"{late[0]['kind']} at {late[0]['time_ns']} ns, after {seen.end_ns}"
    late = [each for each in seen.requests if max(each["sent_ns"], each["received_ns"] or 0) > seen.end_ns]
    if late:
        yield f"{late[0]}, after {seen.end_ns}"


@law
def events_are_in_order(seen: Seen) -> Iterator[str]:
    """Events are told in the order of time, from the beginning on, and none lasts less than nothing."""
    times = [event["time_ns"] for event in seen.events]
    if times != sorted(times) or min(times, default=0) < 0:
        yield "events are out of order, or before the beginning"
    for event in seen.events:
        if event["duration_ns"] < 0 or event["count"] < 0:
            yield f"{event['kind']} at {event['time_ns']} ns: {event['duration_ns']} ns, {event['count']}"


@law
def no_bandwidth_beyond_the_link(seen: Seen) -> Iterator[str]:
    """Nothing goes over the link faster than it carries."""
    rate = seen.scenario.link.bandwidth
    for name, value in seen.metrics.items():
        if name.endswith("_bps") and value is not None and value > rate * (1 + ROUNDING):
            yield f"{name} is {value}, the link's {rate}"
    carried = rate * seen.end_ns / 8e9
    if seen.metrics["replication.bytes"] > carried * (1 + ROUNDING):
        yield f"replication.bytes is {seen.metrics['replication.bytes']}, and the link carries {carried}"


@law
def the_parts_of_a_failover_add_up(seen: Seen) -> Iterator[str]:
    """The latency of a failover is exactly the sum of its parts."""
    latency = seen.metrics["failover.latency_ns"]
    if latency is None:
        return
    parts = {name: seen.metrics[f"failover.{name}_ns"] for name in PARTS}
    if None in parts.values() or sum(parts.values()) != latency:
        yield f"failover.latency_ns is {latency}, its parts are {parts}"


@law
def a_failover_costs_what_its_parts_cost(seen: Seen) -> Iterator[str]:
    """A failure costs its latency, the work lost and the work not done while warming up, where all are known."""
    cost = seen.metrics["failover.cost_ns"]
    parts = [seen.metrics[name] for name in ("failover.latency_ns", "loss.work_ns", "failover.warmup_deficit_ns")]
    if (cost is None) != (None in parts) or (cost is not None and abs(cost - sum(parts)) > 1):
        yield f"failover.cost_ns is {cost}, its parts are {parts}"


@law
def only_a_migration_is_told_as_one(seen: Seen) -> Iterator[str]:
    """A migration stops the VM for no longer than it lasts, and other protocols make none."""
    told = {name: value for name, value in seen.metrics.items() if name.startswith("migration.") and value is not None}
    if seen.scenario.replication.protocol != "live-precopy":
        if told:
            yield f"{told}"
    elif told.get("migration.total_ns", 0) < told.get("migration.downtime_ns", 0):
        yield f"{told}"


@law
def failovers_are_counted(seen: Seen) -> Iterator[str]:
    """As many takeovers are counted as there are, and a latency needs one."""
    takeovers = sum(event["kind"] == "takeover" for event in seen.events)
    if seen.metrics["failover.count"] != takeovers:
        yield f"failover.count is {seen.metrics['failover.count']}, of {takeovers} takeovers"
    if seen.metrics["failover.latency_ns"] is not None and not takeovers:
        yield "a latency without a takeover"


@law
def a_takeover_has_a_latency_or_is_a_false_alarm(seen: Seen) -> Iterator[str]:
    """A takeover is from a host that had failed or was stopped, and has a latency, or from one given up falsely."""
    latency, alarms = seen.metrics["failover.latency_ns"], seen.metrics["failover.false_alarms"]
    if seen.first("takeover") is not None and latency is None and not alarms:
        yield "a takeover without a latency, and no false alarm"


@law
def a_latency_begins_with_a_failure_of_the_host_that_is_left(seen: Seen) -> Iterator[str]:
    """What the first takeover is counted from is a fault of the host with the VM, or its stop for an evacuation."""
    latency, takeover = seen.metrics["failover.latency_ns"], seen.first("takeover")
    if latency is None or takeover is None:
        return
    causes = [each for each in seen.events if each["kind"] in ("failure", "fault", "switchover")]
    if takeover - latency not in {each["time_ns"] for each in causes if each["host"] == "primary"}:
        yield f"failover.latency_ns is {latency}, up to {takeover} ns"


@law
def verdicts_are_false_alarms_or_not(seen: Seen) -> Iterator[str]:
    """A verdict on a host that nothing has ever befallen is a false alarm, and one on a host that is down is none."""
    befallen = {"failure", "fault", "down", "standby-down"}
    told: dict[str, list[str]] = {}
    least = most = 0
    for event in seen.events:
        if event["kind"] in VERDICTS:
            about = told.get(event["detail"], [])
            least += not befallen & set(about)
            most += not any(kind in about for kind in ("down", "standby-down"))
        elif event["kind"] == "synchronise":
            told[event["host"]] = []
        else:
            told.setdefault(event["host"], []).append(event["kind"])
    if not least <= seen.metrics["failover.false_alarms"] <= most:
        yield f"failover.false_alarms is {seen.metrics['failover.false_alarms']}, of {least} to {most}"


@law
def the_headline_says_what_happened(seen: Seen) -> Iterator[str]:
    """The first takeover is told as what its metrics say that it was, and a host that is down does not come back."""
    took_over, planned = seen.first("takeover") is not None, seen.first("switchover") is not None
    failed = seen.metrics["failover.latency_ns"] is not None
    if bool(re.search("False alarm: the [^,]* took over", seen.headline)) != (took_over and not failed and not planned):
        yield f"failover.latency_ns is {seen.metrics['failover.latency_ns']}: {seen.headline}"
    if ("later the VM ran on" in seen.headline) != (took_over and failed and not planned):
        yield f"failover.latency_ns is {seen.metrics['failover.latency_ns']}: {seen.headline}"
    if " and came back" in seen.headline and seen.first("down") is not None:
        yield f"down at {seen.first('down')} ns: {seen.headline}"


@law
def counts_are_whole_numbers(seen: Seen) -> Iterator[str]:
    """What is counted is a whole number, and not less than nothing."""
    for name in COUNTS:
        value = seen.metrics.get(name)
        if value is not None and (not isinstance(value, int) or value < 0):
            yield f"{name} is {value!r}"


@law
def the_log_balances(seen: Seen) -> Iterator[str]:
    """Every logged address has one cause, and none is dropped that is not there."""
    metrics = seen.metrics
    caused = sum(metrics[f"log.{cause}"] for cause in ("castout", "scan", "transfer"))
    if caused > metrics["log.entries"]:
        yield f"log.entries is {metrics['log.entries']}, its causes {caused}"
    if metrics["log.duplicates"] > metrics["log.entries"] > 0:
        yield f"log.duplicates is {metrics['log.duplicates']} of {metrics['log.entries']}"


@law
def quantiles_are_in_order(seen: Seen) -> Iterator[str]:
    """A higher quantile is not smaller than a lower one, and does not exist without it."""
    families = [
        *(_quantiles(prefix, ("p50", "p99", "p999")) for prefix in _client_latencies(seen)),
        _quantiles("checkpoint.pause_", ("p50", "p99")),
        _quantiles("checkpoint.commit_latency_", ("p50", "p99")),
    ]
    for family in families:
        for lower, higher in pairwise(name for name in family if name in seen.metrics):
            one, other = seen.metrics[lower], seen.metrics[higher]
            if other is not None and (one is None or one > other):
                yield f"{lower} is {one}, {higher} {other}"


def _quantiles(prefix: str, quantiles: tuple[str, ...]) -> list[str]:
    return [f"{prefix}{each}_ns" for each in quantiles]


def _client_latencies(seen: Seen) -> list[str]:
    prefixes = ("client.", "client.before.", "client.across.", "client.after.")
    return [f"{prefix}latency_" for prefix in prefixes if f"{prefix}latency_p99_ns" in seen.metrics]


@law
def a_bound_stands_in_for_a_quantile(seen: Seen) -> Iterator[str]:
    """A quantile that is not reached has a lower bound instead, which is not below what is known."""
    for prefix in _client_latencies(seen):
        known = 0.0
        for quantile in ("p50", "p99", "p999"):
            value, bound = (seen.metrics.get(f"{prefix}{quantile}{end}") for end in ("_ns", "_at_least_ns"))
            if value is not None and bound is not None:
                yield f"{prefix}{quantile}_ns is {value}, and at least {bound}"
            if bound is not None and bound < known:
                yield f"{prefix}{quantile} is at least {bound}, and a lower quantile is {known}"
            known = max(known, value or 0.0, bound or 0.0)


@law
def requests_are_answered_or_not(seen: Seen) -> Iterator[str]:
    """Every request that was sent either has an answer by the end or is counted as one without."""
    if seen.scenario.clients is None:
        return
    counted = [each for each in seen.requests if each["sent_ns"] >= seen.scenario.warm_up]
    expected = {"requests": len(counted), "unanswered": sum(each["received_ns"] is None for each in counted)}
    for name, number in expected.items():
        if seen.metrics[f"client.{name}"] != number:
            yield f"client.{name} is {seen.metrics[f'client.{name}']}, of {number}"
        parts = [seen.metrics[f"client.{part}.{name}"] for part in ("before", "across", "after")]
        if sum(parts) != number:
            yield f"client.{name} is {number}, its parts {parts}"


@law
def answers_follow_requests(seen: Seen) -> Iterator[str]:
    """A request has at most one answer, which takes at least the way there and back."""
    if seen.scenario.clients is None:
        if seen.requests:
            yield "requests without clients"
        return
    way = 2 * seen.scenario.clients.latency
    quick = [each for each in seen.answered if each["received_ns"] - each["sent_ns"] < way]
    if quick:
        yield f"{quick[0]} takes less than {way} ns"
    if [each["request"] for each in seen.requests] != list(range(len(seen.requests))):
        yield "requests are missing or there twice"


@law
def no_checkpoints_without_checkpoints(seen: Seen) -> Iterator[str]:
    """Under a protocol that makes no checkpoints nothing is told of them."""
    if seen.scenario.replication.protocol in WITHOUT_CHECKPOINTS:
        told = {
            name: value for name, value in seen.metrics.items() if name.startswith("checkpoint.") and value is not None
        }
        if told:
            yield f"{told}"


@law
def epochs_are_in_order(seen: Seen) -> Iterator[str]:
    """Within an epoch, and from one to the next that a host has made, nothing happens before what it follows."""
    for row in seen.epochs:
        for order in (CHECKPOINT, SHIPMENT, COMMITMENT):
            instants = [row[name] for name in order if row[name] >= 0]
            if instants != sorted(instants):
                yield f"epoch {row['epoch']}: { {name: row[name] for name in order} }"
    made = [row for row in seen.epochs if row["paused_ns"] >= 0]  # the others are states that a takeover adopted
    for one, other in pairwise(made):
        if other["started_ns"] < max(one["started_ns"], one["paused_ns"]):
            yield f"epoch {other['epoch']} starts at {other['started_ns']} ns, before the one before has ended"
    commits = [row["committed_ns"] for row in seen.epochs if row["committed_ns"] >= 0]
    if commits != sorted(commits):
        yield "epochs are committed out of order"


@law
def epochs_lie_in_the_run(seen: Seen) -> Iterator[str]:
    """What is told of an epoch is not negative, and not after the end."""
    for row in seen.epochs:
        instants = {name: row[name] for name in {*CHECKPOINT, *SHIPMENT, *COMMITMENT}}
        late = {name: value for name, value in instants.items() if not -1 <= value <= seen.end_ns}
        less = {name: value for name, value in row.items() if name not in instants and value < 0}
        if late or less or row["started_ns"] < 0:
            yield f"epoch {row['epoch']}: {late or less or row['started_ns']}"


@law
def the_sum_is_not_less_than_its_largest_part(seen: Seen) -> Iterator[str]:
    """The longest exposure is part of all of it."""
    longest, total = seen.metrics["exposure.longest_ns"], seen.metrics["exposure.total_ns"]
    if longest is not None and longest > total:
        yield f"exposure.longest_ns is {longest} of {total}"


@law
def work_is_lost_since_the_beginning(seen: Seen) -> Iterator[str]:
    """No more work is lost than was done until the failure, and none is without a failure."""
    lost, failed = seen.metrics["loss.work_ns"], seen.first("down", "switchover", "takeover")
    if lost is None:
        return
    if failed is None:
        yield f"loss.work_ns is {lost}, and nothing has failed"
    elif lost > failed:
        yield f"loss.work_ns is {lost} of {failed} ns"


@law
def outputs_are_committed(seen: Seen) -> Iterator[str]:
    """Where outputs wait for their commit, none is lost."""
    if "output_commit" in seen.invariants and seen.metrics["loss.outputs"]:
        yield f"loss.outputs is {seen.metrics['loss.outputs']}"


@law
def the_image_is_as_the_invariant_says(seen: Seen) -> Iterator[str]:
    """An image is consistent where none of its lines is wrong."""
    if seen.metrics["image.consistent"] != (seen.metrics["image.mismatched_lines"] == 0):
        yield f"{seen.metrics['image.mismatched_lines']} lines differ, consistent: {seen.metrics['image.consistent']}"


@law
def the_json_is_valid(seen: Seen) -> Iterator[str]:
    """What `--json` prints is JSON without NaN, and says what the tables say."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    try:
        summary: Row = json.loads(seen.text, parse_constant=refuse)
    except ValueError as error:
        yield str(error)
        return
    if summary["metrics"] != seen.metrics or summary["invariants"] != seen.invariants:
        yield "it says something else than the result"
    endless = [name for name, value in seen.metrics.items() if isinstance(value, float) and not isfinite(value)]
    if endless:
        yield f"{', '.join(endless)} is not finite"


@law
def promised_metrics_exist(seen: Seen) -> Iterator[str]:
    """Every name that scripts hold on to is there."""
    missing = [name for name in PROMISED if name not in seen.metrics]
    if missing:
        yield ", ".join(missing)
