"""What became of a run, in a sentence."""

from vmfailover.journal import Event
from vmfailover.report.quantities import counted, duration
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.failover import Failure


def headline(result: RunResult) -> str:
    """Return the verdict on a run in plain words."""
    sentences = [_interrupted(result), _story(result), _proof(result)]
    return " ".join(sentence for sentence in sentences if sentence)


def first_event(result: RunResult, kind: str) -> Event | None:
    """Return the first event of a kind, if there is one."""
    return next((event for event in result.event_rows if event.kind == kind), None)


def _interrupted(result: RunResult) -> str:
    if not result.interrupted:
        return ""
    return f"Interrupted at {duration(result.end_ns)} of {duration(result.scenario.duration)}."


def _story(result: RunResult) -> str:
    failure, takeover = first_event(result, "failure"), first_event(result, "takeover")
    stopped = first_event(result, "switchover")
    detected = first_event(result, "detect")
    if takeover and stopped:
        after = duration(takeover.time_ns - stopped.time_ns)
        return (
            f"The VM was stopped to be evacuated at {duration(stopped.time_ns)}; {after} later it ran on the secondary."
        )
    if takeover and not (failure and detected and failure.time_ns <= detected.time_ns):
        return (
            f"False alarm: the secondary took over at {duration(takeover.time_ns)} from a primary that had not failed."
        )
    if failure and takeover:
        after = duration(takeover.time_ns - failure.time_ns)
        return f"The {failure.host} crashed at {duration(failure.time_ns)}; {after} later the VM ran on the secondary."
    if failure:
        return (
            f"The {failure.host} crashed at {duration(failure.time_ns)}; the run ended before the secondary took over."
        )
    if result.scenario.failures:
        return f"No failure: the run ended before {_planned(result.scenario.failures[0])}."
    committed = counted(result.values["checkpoint.count"] or 0, "checkpoint")
    return f"No failure in this scenario; the VM ran protected for {duration(result.end_ns)}, {committed} committed."


def _planned(failure: Failure) -> str:
    if failure.at is not None:
        return duration(failure.at)
    return f"epoch {failure.epoch} was {failure.at_phase}"


def _proof(result: RunResult) -> str:
    broken = [verdict for verdict in result.verdicts if not verdict.holds]
    if broken:
        return f"BROKEN: {counted(len(broken), 'invariant')}, see proof."
    return "Every invariant holds."
