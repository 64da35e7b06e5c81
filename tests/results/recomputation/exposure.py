"""Times without a second host, and what ends them: another pair of hosts, or the way back to the first."""

from results.recomputation.clients import longest_silence
from results.recomputation.failover import FATAL
from results.recomputation.folder import Folder, Row, Values


def metrics(folder: Folder) -> Values:
    exposed = [_exposed_ns(folder, number) for number in range(len(folder.pair_begins))]
    return {
        "exposure.total_ns": sum(exposed),
        "exposure.longest_ns": max(exposed),
        **_synchronisation(folder),
        **_failback(folder),
    }


def _exposed_ns(folder: Folder, number: int) -> int:
    """Return for how long a pair was one no more before the next pair, or the end of the run, came."""
    (began, *hosts), *later = folder.pair_begins[number:]
    until = later[0][0] if later else folder.end_ns
    own = [event for event in folder.events if began <= event.time_ns <= until and event.host in hosts]
    given_up = [event for event in own if event.kind in ("down", "standby-down", "alone", "takeover")]
    parted = min((event.time_ns for event in given_up), default=until)
    instants = [event.time_ns for event in given_up]
    instants += [event.time_ns for event in own if event.time_ns <= parted and _ends_a_host(event, own, parted)]
    return until - min(instants, default=until)


def _ends_a_host(fault: Row, events: list[Row], by_ns: int) -> bool:
    """Whether a fault ended the service of a host for good, as far as could be seen by an instant."""
    if fault.kind not in ("failure", "fault") or fault.detail not in FATAL:
        return False
    passed = (event for event in events if event.kind == "passed" and fault.time_ns <= event.time_ns <= by_ns)
    return not any((event.host, event.detail) == (fault.host, fault.detail) for event in passed)


def _synchronisation(folder: Folder) -> Values:
    """A synchronisation has come to its end where the pair follows that it was for."""
    whole: list[tuple[Row, Row]] = []
    begun = None
    for event in folder.of_kind("synchronise", "synchronisation-failed", "protected"):
        if event.kind == "protected" and begun is not None:
            whole.append((begun, event))
        begun = event if event.kind == "synchronise" else None
    names = ("synchronisation_ns", "stopped_ns", "bytes")
    found: Values = {"reprotection.count": len(whole), **{f"reprotection.{name}": None for name in names}}
    if whole:
        first, last = whole[0]
        rounds = [
            epoch for epoch in folder.epochs if epoch.whole_memory and first.time_ns <= epoch.started_ns <= last.time_ns
        ]
        took = last.time_ns - first.time_ns
        found["reprotection.synchronisation_ns"] = took
        found["reprotection.stopped_ns"] = took - folder.ran_ns(last.detail, first.time_ns, last.time_ns)
        found["reprotection.bytes"] = sum(epoch.shipped_bytes for epoch in rounds)
    return found


def _failback(folder: Folder) -> Values:
    returns = folder.of_kind("returned")
    found: Values = {"failback.count": len(returns), "failback.latency_ns": None, "failback.blackout_ns": None}
    if returns:
        running = returns[0].time_ns
        stopped = max(event.time_ns for event in folder.of_kind("failback") if event.time_ns <= running)
        found["failback.latency_ns"] = running - stopped
        found["failback.blackout_ns"] = longest_silence(folder, (stopped, running))
    return found
