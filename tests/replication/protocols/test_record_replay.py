"""Record and replay: how much log there is, and how far behind the replica may be."""

from typing import Any

import numpy as np
import pytest
import simpy
from runs_for_tests import happened
from scenarios_for_tests import small

from replication.machinery import cluster, new_site
from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.guest import GuestState
from vmfailover.guest.server import Completion
from vmfailover.replication.protocols.record_replay.protection import RecordReplay, Replica
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run


def protection(**spec: object) -> RecordReplay:
    """Return a protection of a VM that has not run yet."""
    overrides = {"replication.protocol": "record-replay", "replication.record_replay": spec}
    return RecordReplay(new_site(simpy.Environment(), **overrides))


@pytest.mark.parametrize(("per_sent_byte", "outputs", "logged"), [(0.0, 5, 0), (0.5, 0, 0), (0.5, 3, 3 * 512)])
def test_bytes_that_are_sent_are_logged(per_sent_byte: float, outputs: int, logged: int) -> None:
    assert protection(per_sent_byte=per_sent_byte)._log_bytes(outputs) == logged


def replayed_ns(result: RunResult) -> int:
    """Return how long the replica took for the first part of the log."""
    (committed,), (applied,) = (happened(result, kind, epoch=0) for kind in ("commit", "apply"))
    return applied.time_ns - committed.time_ns


def test_replaying_takes_longer_by_the_slowdown() -> None:
    runs = [
        run(small("record-replay", failures=[], clients=None, **{"replication.record_replay.slowdown": slowdown}))
        for slowdown in ("0 %", "50 %")
    ]
    at_speed, slowed = map(replayed_ns, runs)
    assert at_speed > 50_000
    assert slowed == round(1.5 * at_speed)


def behind(lag: str) -> Cluster:
    spec: dict[str, Any] = {"replication.record_replay": {"slowdown": "50 %", "lag": lag, "interval": "50 us"}}
    return cluster("record-replay", clients=None, **spec)


def test_the_vm_waits_for_a_replica_that_is_too_far_behind() -> None:
    free, held = behind("1 s"), behind("300 us")
    lags = []
    for whole in (free, held):
        assert isinstance(whole.protection, RecordReplay)
        lags.append(whole.protection._lag_ns)
    assert free.protection.log_stall_ns == 0
    assert held.protection.log_stall_ns > 1_000_000
    assert lags[0] > 1_000_000
    assert lags[1] <= 300_000 + 50_000


def test_the_replica_serves_the_requests_that_the_vm_has_served() -> None:
    """One that waits is served as far as it had been when the log was taken."""
    context = new_site(simpy.Environment(), **{"replication.protocol": "record-replay"})
    replica = Replica(context, context.secondary)
    assert replica.replay(GuestState((0,), 1000, accepted_ns=600)) == 600
    assert replica.replay(GuestState((0,), 1100, (Completion(1, 1150),), accepted_ns=700)) == 50
    assert replica.replay(GuestState((0,), 2000, accepted_ns=700)) == 50


def test_what_arrives_as_the_secondary_goes_down_is_replayed_by_the_proof() -> None:
    whole = cluster("record-replay", until="1 ms", clients=None)
    assert isinstance(whole.protection, RecordReplay)
    before = len(happened_commits(whole))
    while len(happened_commits(whole)) == before:
        whole.env.step()
    whole.secondary.host.crash()
    whole.env.run(until=int(whole.env.now) + 10)
    whole.protection.settle()
    assert whole.protection._replica.state == whole.protection.committed
    lines = np.arange(whole.secondary.host.memory.versions.size)
    assert whole.secondary.host.processor.fetch(lines)[0].any()


def happened_commits(whole: Cluster) -> list[int]:
    return [event.epoch for event in whole.event_log.events if event.kind == "commit"]
