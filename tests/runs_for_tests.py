"""Runs whose every part can be looked at, and what holds in each beside the invariants that it checks itself."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.records.events import Event, Kind
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.scenario.replication import Replication
from vmfailover.simulation import run

#: Later than every run, nanoseconds.
NEVER = 1 << 62

#: Variants that quick tests run: one of each way in which runs differ. The others are for the heavy proofs.
QUICK_VARIANTS = {
    *("base", "no-streaming", "other-host", "log-drain", "log-checkpoint", "log-stall-least", "three-vcpus-carry"),
    *("lossy-link", "no-fencing", "no-clients", "no-failure", "mix"),
    *("cacheline-transfer", "page-write-protect", "page-modification-log-cores", "page-dirty-bits", "undo-log"),
    *("undo-log-local", "output-compare-hashing", "record-replay-behind", "live-precopy", "cold-restart"),
}


#: Variants whose metrics quick tests look at: one of each way in which metrics come about.
FEW_VARIANTS = {
    *("base", "log-checkpoint", "three-vcpus-carry", "no-fencing", "no-clients", "no-failure"),
    *("page-modification-log-cores", "undo-log", "output-compare-hashing", "record-replay-behind", "live-precopy"),
    "cold-restart",
}


def variants(names: Iterable[str], quick: Collection[str] = QUICK_VARIANTS) -> list[Any]:
    """Return the names of variants as parameters of tests, those that are not quick marked as slow."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


class Tail(Observer):
    """Notes at each commit whether `tail` was where the last acknowledged epoch ended."""

    def __init__(self) -> None:
        self.waited: list[bool] = []

    def begin(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def event(self, event: Event) -> None:
        cluster = self.cluster
        if event.kind != Kind.COMMIT or len(cluster.pairs) > 1 or cluster.protection.alone is not None:
            return
        epochs = cluster.protection.epochs
        released = [epoch.log_position for epoch in epochs if epoch.acknowledged_ns is not None]
        tail = cluster.primary.vm.log.tail
        self.waited.append(tail == (released[-1] if released else cluster.scenario.vm.memory))


@dataclass(frozen=True)
class Observed:
    """A run that has ended, and the cluster in which it happened."""

    result: RunResult
    cluster: Cluster
    tail_waited: list[bool]


def observe(scenario: Scenario, **options: Any) -> Observed:
    """Run a scenario as `simulation.run` does, and keep its cluster."""
    tail = Tail()
    result = run(scenario, observers=[tail], **options)
    return Observed(result, tail.cluster, tail.waited)


@cache
def observe_variant(variant: str) -> Observed:
    """Run a small variant once for all tests that only look at it."""
    return observe(small(variant))


def happened(result: RunResult, kind: str, epoch: int | None = None) -> list[Event]:
    """Return the events of a kind, in one epoch or in all."""
    return [event for event in result.event_rows if event.kind == kind and epoch in (None, event.epoch)]


def record_of(result: RunResult) -> dict[str, Any]:
    """Return everything that a run says, except how fast this machine was."""
    return {
        "metrics": {name: value for name, value in result.values.items() if name not in WALL_CLOCK},
        "verdicts": result.verdicts,
        "epochs": result.epoch_rows,
        "events": result.event_rows,
        "responses": result.responses,
        "spans": result.spans,
        "unanswered": result.unanswered,
        "end_ns": result.end_ns,
        "scenario": result.scenario.hash,
        "seed": result.seed,
    }


def broken(observed: Observed) -> dict[str, str]:
    """Return each invariant of the product, and each law of these tests, that does not hold, and why."""
    verdicts = {verdict.name: verdict.detail for verdict in observed.result.verdicts if verdict.broken}
    laws = {name: law.__doc__ or "" for name, law in LAWS.items() if law(observed) is False}
    return verdicts | laws


def laws_for(observed: Observed) -> set[str]:
    """Return the laws that say something of a run."""
    return {name for name, law in LAWS.items() if law(observed) is not None}


def reached(instant_ns: int | None) -> int:
    """Return an instant of an epoch's life, which has come."""
    assert instant_ns is not None
    return instant_ns


def responses_before_commit(observed: Observed) -> Iterator[int]:
    """Yield the requests whose answer left the primary before the epoch that computed it was acknowledged."""
    cluster = observed.cluster
    assert cluster.clients is not None
    answered = {response.request: response.received_ns for response in observed.result.responses}
    moved = [*happened(observed.result, "takeover"), *happened(observed.result, "alone")]
    taken_over = min((event.time_ns for event in moved), default=NEVER)
    for epoch in cluster.pairs[0].epochs:
        released = NEVER if epoch.acknowledged_ns is None else epoch.acknowledged_ns
        for output in epoch.outputs:
            received = answered.get(output.request)
            if received is not None and received - cluster.clients.spec.latency < min(released, taken_over):
                yield output.request


def _answers_wait(observed: Observed) -> bool | None:
    """No client has an answer before the epoch that computed it is committed and acknowledged."""
    if observed.cluster.clients is None or not any(epoch.outputs for epoch in observed.cluster.pairs[0].epochs):
        return None
    return not any(responses_before_commit(observed))


def _tail_waits(observed: Observed) -> bool | None:
    """Unless an interrupt asks for room, no log space is used again before its epoch is committed."""
    if not Replication.kinds[observed.result.scenario.replication.protocol].uses_log:
        return None
    if observed.cluster.protection.interrupts > 0 or not observed.tail_waited:
        return None
    return all(observed.tail_waited)


def _epochs_commit_in_order(observed: Observed) -> bool | None:
    """Epochs are committed one after the other, without a gap where each ends in a commit."""
    commits = [event.epoch for event in happened(observed.result, "commit")]
    if len(commits) < 2:
        return None
    again = observed.result.scenario.reprotection.possible
    if again or observed.result.scenario.replication.protocol in ("output-compare", "live-precopy"):
        return commits == sorted(set(commits))
    return commits == list(range(len(commits)))


#: What holds in every run beside the invariants that the product checks; None of a run that it says nothing of.
LAWS: dict[str, Callable[[Observed], bool | None]] = {
    "answers_wait": _answers_wait,
    "tail_waits": _tail_waits,
    "epochs_commit_in_order": _epochs_commit_in_order,
}
