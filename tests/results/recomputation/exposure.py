"""Times without a second host, and what ends them: another pair of hosts, or the way back to the first."""

from results.recomputation.clients import longest_silence
from results.recomputation.failures import failures, recovers
from results.recomputation.folder import Folder, Row, Values

#: Events with which a pair of hosts is one no more.
PARTED = ("down", "standby-down", "alone", "takeover")


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
    own = [row for row, event in enumerate(folder.events) if began <= event.time_ns <= until and event.host in hosts]
    last = next((row for row in own if folder.events[row].kind in PARTED), None)
    instants = [] if last is None else [folder.events[last].time_ns]
    for failure in (each for host in hosts for each in failures(folder, host)):
        struck = failure.began in own and (last is None or failure.began <= last)
        passed = failure.ended in own and (last is None or failure.ended <= last) and recovers(folder, failure)
        if struck and not passed:
            instants.append(failure.cause.time_ns)
    return until - min(instants, default=until)


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
