"""Record and replay: how much log there is, and how far behind the replica may be."""

from typing import Any

import numpy as np
import pytest
import simpy
from runs_for_tests import happened
from scenarios_for_tests import small

from replication.machinery import LATENCY_NS, SERVICE_NS, cluster, new_site
from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.guest import GuestState
from vmfailover.guest.server import Completion
from vmfailover.replication.messages import HEADER_BYTES
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

from .parts import Protected, RecordReplay, Replica, everything


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


#: A byte of log for each nanosecond, none for what is received, and half a byte for each byte of an answer.
LOGGED: dict[str, Any] = {"rate": "8 Gbit/s", "per_received_byte": 0, "per_sent_byte": 0.5, "interval": "10 us"}
#: An answer of 300 bytes that is ready after a service.
PART_BYTES = SERVICE_NS + 150


def logged(**spec: object) -> Protected:
    """Return a VM whose log has a byte a nanosecond, or as `spec` says."""
    return Protected("record-replay", **{"replication.record_replay": {**LOGGED, **spec}})


def test_an_answer_leaves_when_the_log_that_led_to_it_is_on_the_other_host() -> None:
    protected = logged()
    protected.start([1], until=9_000)
    there_ns = SERVICE_NS + HEADER_BYTES + PART_BYTES + LATENCY_NS
    assert protected.times("commit") == [there_ns]
    assert protected.released == [(1, there_ns + HEADER_BYTES + LATENCY_NS)]


def test_the_log_is_sent_every_interval() -> None:
    protected = logged(interval="3 us")
    protected.start(until=10_000)
    assert protected.times("epoch") == [3_000, 6_000, 9_000]
    assert [epoch.shipped_bytes for epoch in protected.context.recorder.epochs] == [3_000, 1_000, 1_000]


@pytest.mark.parametrize(("buffer", "waits"), [("1 MiB", False), ("100 B", True)])
def test_the_vm_waits_for_a_log_that_is_too_long(buffer: str, waits: bool) -> None:
    protected = logged(buffer=buffer)
    protected.start(until=100_000)
    assert (protected.protection.log_stall_ns > 10_000) is waits
    assert bool(protected.protection.remarks) is waits


def test_log_that_waits_to_be_sent_takes_memory() -> None:
    protected = logged()
    protected.start(until=15_000)
    assert protected.protection.memory_bytes == protected.context.scenario.vm.memory + HEADER_BYTES + 10_000


def behind(lag: str) -> RecordReplay:
    """Return the protection of a VM whose replica takes twice as long, after a while."""
    spec = {**LOGGED, "slowdown": "100 %", "lag": lag, "rate": "1 Mbit/s", "interval": "5 us"}
    protected = Protected("record-replay", **{"replication.record_replay": spec, "hypervisor.interrupt": "0 ns"})
    protected.start(until=400_000)
    assert isinstance(protected.protection, RecordReplay)
    return protected.protection


def test_the_vm_waits_for_a_replica_that_is_too_far_behind() -> None:
    free, held = behind("1 s"), behind("30 us")
    assert free.log_stall_ns == 0
    assert free._lag_ns == pytest.approx(200_000, rel=0.1)
    assert held.log_stall_ns == pytest.approx(200_000, rel=0.2)
    assert held._lag_ns <= 30_000 + 5_000


def test_a_failover_waits_for_the_replica_and_takes_no_more_log() -> None:
    protected = logged(slowdown="100 %", interval="5 us")
    protected.start(until=99_000)
    arrived, replayed = (len(protected.times(kind)) for kind in ("commit", "apply"))
    assert arrived > replayed
    assert protected.complete() == protected.context.recorder.epochs[arrived - 1].state
    assert len(protected.times("commit")) == len(protected.times("apply")) == arrived


def test_what_the_replica_has_executed_is_in_its_memory() -> None:
    protected = logged(interval="1 ms")
    protected.start(until=20_000)
    protected.primary.guest.receive(1)
    protected.env.run(until=20_000 + SERVICE_NS + 1)
    stopped = everything(protected.primary.host.processor)
    assert stopped.any()
    while not protected.times("apply"):
        protected.env.step()
    np.testing.assert_array_equal(everything(protected.secondary.host.processor), stopped)


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
