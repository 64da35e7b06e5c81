"""What became of a run, in a sentence."""

from vmfailover.records.events import Event
from vmfailover.results.failovers import first_move, moves
from vmfailover.results.quantities import counted, duration
from vmfailover.results.run_record import RunRecord
from vmfailover.results.standing_faults import StandingFaults
from vmfailover.scenario.failover import Failure, is_fatal


def headline(result: RunRecord) -> str:
    """Return the verdict on a run in plain words."""
    sentences = [_interrupted(result), _story(result), _afterwards(result), _proof(result)]
    return " ".join(sentence for sentence in sentences if sentence)


def first_event(result: RunRecord, kind: str) -> Event | None:
    """Return the first event of a kind, if there is one."""
    return next((event for event in result.event_rows if event.kind == kind), None)


def _interrupted(result: RunRecord) -> str:
    if not result.interrupted:
        return ""
    return f"Interrupted at {duration(result.end_ns)} of {duration(result.scenario.duration)}."


def _story(result: RunRecord) -> str:
    failure, takeover = first_event(result, "failure"), first_event(result, "takeover")
    stopped = first_event(result, "switchover")
    detected = first_event(result, "detect")
    move = first_move(result.event_rows)
    if takeover and stopped:
        after = duration(takeover.time_ns - stopped.time_ns)
        return (
            f"The VM was stopped to be evacuated at {duration(stopped.time_ns)}; {after} later it ran on the secondary."
        )
    if takeover and move.stopped_ns < 0:
        took_over = f"the {move.destination} took over at {duration(takeover.time_ns)}"
        return f"False alarm: {took_over} from a {move.origin} that had not failed."
    if takeover:
        return f"{_failed(_cause(result))}; {duration(move.latency_ns)} later the VM ran on the {move.destination}."
    if failure and not first_event(result, "alone"):
        return f"{_failed(_cause(result))}{_without_takeover(result)}."
    down = first_event(result, "down")
    if detected and down and not failure and not _shot_each_other(result):
        fenced = f"the primary, which had not failed, was fenced at {duration(down.time_ns)}"
        return f"False alarm: {fenced}{_without_takeover(result)}."
    return _without_failover(result)


def _afterwards(result: RunRecord) -> str:
    """What became of the VM after it had lost its first pair of hosts."""
    again = sum(not move.planned for move in moves(result.event_rows)) - 1
    sentences = [f"{counted(again, 'further takeover')} followed." if again > 0 else ""]
    if result.values["failback.count"]:
        sentences.append("It moved back as planned.")
    lost = _lost(result)
    if lost:
        sentences.append(f"The {lost.host} failed at {duration(lost.time_ns)} without a second host: the VM was lost.")
    elif result.values["reprotection.count"]:
        exposed = duration(result.values["exposure.longest_ns"])
        sentences.append(f"A second host protected it again; it had none for {exposed} at most.")
    return " ".join(sentence for sentence in sentences if sentence)


def _lost(result: RunRecord) -> Event | None:
    """Return the end of the host with the VM, if there was no other then."""
    single = False
    for event in result.event_rows:
        if event.kind in ("takeover", "alone"):
            single = True
        elif event.kind == "protected":
            single = False
        elif event.kind == "down" and single:
            return event
    return None


def _cause(result: RunRecord) -> Event:
    """Return the fault that led to the first takeover, or would have; of faults that have all passed, the first."""
    move = first_move(result.event_rows)
    struck = [each for each in result.event_rows if each.kind in ("failure", "fault") and each.host == move.origin]
    fatal = [each for each in struck if is_fatal(each.detail)]
    return next((each for each in fatal if each.time_ns == move.stopped_ns), fatal[0])


def _failed(failure: Event) -> str:
    return f"The {failure.host} {Failure.kinds[failure.detail].happened} at {duration(failure.time_ns)}"


def _without_takeover(result: RunRecord) -> str:
    """Say why the end of the host with the VM has led to no takeover."""
    if first_event(result, "lost"):
        return "; the secondary has no image to go on from, the VM is lost"
    if first_event(result, "standby-down"):
        return "; with the secondary down too, the VM is lost"
    if _refused(result, "detect"):
        return "; as it could not be fenced, the secondary did not take over"
    if _refused(result, "detect", "no-quorum"):
        return "; without quorum, the secondary did not take over"
    if _came_back(result):
        return " and came back"
    return "; the run ended before the secondary took over"


def _came_back(result: RunRecord) -> bool:
    """Whether the host that failed first serves again at the end."""
    failure = first_event(result, "failure")
    standing = StandingFaults()
    for event in result.event_rows:
        standing.note(event)
    return failure is not None and standing.serves(failure.host)


def _shot_each_other(result: RunRecord) -> bool:
    """Whether two hosts that took each other for dead have both been switched off."""
    return all(first_event(result, kind) for kind in ("detect", "detect-loss", "down", "standby-down"))


def _without_failover(result: RunRecord) -> str:
    alone = first_event(result, "alone")
    if alone:
        return f"The secondary was given up at {duration(alone.time_ns)}; the VM went on unprotected on the primary."
    if _shot_each_other(result):
        return "Each host took the other for dead and switched it off: the VM is lost."
    if first_event(result, "no-quorum"):
        return _without_quorum(result)
    if _refused(result, "detect") or _refused(result, "detect-loss"):
        return _without_fencing(result)
    ran = _ran(result)
    if first_event(result, "fault"):
        return f"No failover was needed; {ran}."
    if result.scenario.failures:
        return f"No failure: the run ended before {_planned(result.scenario.failures[0])}."
    return f"No failure in this scenario; {ran}."


def _refused(result: RunRecord, verdict: str, reason: str = "fencing-failed") -> bool:
    """Whether a host that gave another up with this verdict could not fence it, or did not go on for another reason."""
    given_up = {event.host for event in result.event_rows if event.kind == verdict}
    return any(event.kind == reason and event.host in given_up for event in result.event_rows)


def _without_quorum(result: RunRecord) -> str:
    """Say which hosts had no quorum, and what became of the VM."""
    hosts = dict.fromkeys(event.host for event in result.event_rows if event.kind == "no-quorum")
    went = "The VM was ended" if first_event(result, "down") else "The VM waits for the other host"
    return f"Without quorum: {' and '.join(hosts)}. {went}; nobody took over."


def _without_fencing(result: RunRecord) -> str:
    """Say which host could not be fenced by the other, and what did not happen for that."""
    if not _refused(result, "detect-loss"):
        return "The primary could not be fenced; the secondary did not take over."
    if not _refused(result, "detect"):
        return "The secondary was given up and could not be fenced; the VM did not go on without it."
    return "Neither host could fence the other: the secondary did not take over, the VM did not go on without it."


def _ran(result: RunRecord) -> str:
    """How the VM spent a run in which it stayed where it was."""
    if not result.scenario.replication.replicates:
        return f"the VM ran for {duration(result.end_ns)}"
    exposed_ns, checkpoints = result.values["exposure.total_ns"] or 0, result.values["checkpoint.count"]
    whole = f" of {duration(result.end_ns)}" if exposed_ns else ""
    committed = "" if checkpoints is None else f", {counted(checkpoints, 'checkpoint')} committed"
    return f"the VM ran protected for {duration(result.end_ns - exposed_ns)}{whole}{committed}"


def _planned(failure: Failure) -> str:
    if failure.at is not None:
        return duration(failure.at + failure.delay)
    if failure.at_phase is None:
        return "it came"
    if failure.epoch is None:
        return f"any {failure.at_phase}"
    return f"epoch {failure.epoch} was {failure.at_phase}"


def _proof(result: RunRecord) -> str:
    broken = [verdict for verdict in result.verdicts if verdict.broken]
    if broken:
        return f"BROKEN: {counted(len(broken), 'invariant')}, see proof."
    waived = [verdict for verdict in result.verdicts if verdict.waived]
    missed = sum(not verdict.holds for verdict in waived)
    if not waived:
        return "Every invariant holds."
    kept = f", of which {missed} does not hold" if missed else ""
    return f"Every promised invariant holds; {len(waived)} is waived{kept}."
