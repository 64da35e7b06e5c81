"""The replication manager: the ten steps of a checkpoint, streaming, and what a log without room leads to."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from runs_for_tests import reached
from scenarios_for_tests import VARIANTS

from vmfailover.cluster.cluster import Cluster
from vmfailover.records.events import Event
from vmfailover.replication.epoch import Epoch
from vmfailover.scenario.checks import guard_band

from .machinery import cluster, manager_of

#: A checkpoint in the log of events: its first nine steps, and the tenth is seen at the log's tail.
STEPS = [
    "pause",
    "final-scan",
    "capture",
    "harvest",
    "resume",
    "transfer",
    "lines-sent",
    "staged",
    "commit",
    "acknowledge",
]
INTERVAL_NS = 1_000_000
#: Variants of all ways to find, copy and ship lines.
MANY = [
    "base",
    "no-streaming",
    "helper-thread",
    "other-host",
    "log-drain",
    "log-checkpoint",
    "log-stall",
    "two-vcpus",
    "three-vcpus-drain",
    "slow-link",
    "lossy-link",
]
many = pytest.mark.parametrize("variant", MANY)


def pause_ns(epoch: Epoch) -> int:
    return reached(epoch.resumed_ns) - reached(epoch.paused_ns)


@cache
def watched(variant: str) -> Cluster:
    """Return the cluster of a variant that ran without failure; to be looked at only."""
    return cluster(variant)


def complete(variant: str) -> list[Epoch]:
    """Return the epochs that have been acknowledged, of which there must be some."""
    epochs = [epoch for epoch in manager_of(watched(variant)).epochs if epoch.acknowledged_ns is not None]
    assert len(epochs) >= 2
    return epochs


def steps(variant: str, epoch: int) -> dict[str, Event]:
    """Return the steps of an epoch's checkpoint as they happened."""
    events = watched(variant).event_log.events
    return {event.kind: event for event in events if event.epoch == epoch and event.kind in STEPS}


@many
def test_every_checkpoint_takes_its_steps_in_order(variant: str) -> None:
    for epoch in complete(variant):
        taken = steps(variant, epoch.number)
        assert list(taken) == STEPS
        instants = [event.time_ns for event in taken.values()]
        assert instants == sorted(instants)


@many
def test_the_steps_that_stop_the_vm_take_what_the_scenario_says(variant: str) -> None:
    parts = watched(variant)
    costs, processor = manager_of(parts).hypervisor, parts.primary.host.processor
    for epoch in complete(variant):
        taken = steps(variant, epoch.number)
        assert taken["final-scan"].time_ns - taken["pause"].time_ns == epoch.quiesce_ns == costs.quiesce
        assert taken["capture"].time_ns - taken["final-scan"].time_ns == epoch.scan_ns >= processor.scan_walk_ns
        assert epoch.capture_ns == costs.vcpu_capture * processor.cores
        after_capture = epoch.capture_ns + epoch.deduplication_ns + epoch.harvest_ns + costs.resume
        assert taken["resume"].time_ns - taken["capture"].time_ns == after_capture
        assert pause_ns(epoch) == epoch.quiesce_ns + epoch.scan_ns + after_capture


@many
def test_the_vm_stands_still_from_pause_to_resume(variant: str) -> None:
    spans = watched(variant).primary.vm.spans
    for epoch in complete(variant):
        assert all(end <= reached(epoch.paused_ns) or begin >= reached(epoch.resumed_ns) for begin, end in spans)


@many
def test_a_state_is_the_guests_at_its_capture(variant: str) -> None:
    spans = watched(variant).primary.vm.spans
    for epoch in complete(variant):
        assert epoch.state is not None
        captured_ns = reached(epoch.captured_ns)
        assert epoch.state.guest_ns == sum(end - begin for begin, end in spans if end <= captured_ns)


@many
def test_each_line_is_fetched_once_for_each_time_it_was_found(variant: str) -> None:
    for epoch in complete(variant):
        found = [addresses.size for addresses in epoch.logged]
        assert epoch.lines == sum(found)
        assert epoch.residue in (0, found[-1])
        assert epoch.duplicates == epoch.entries - epoch.lines
        assert steps(variant, epoch.number)["harvest"].count == epoch.residue
        assert steps(variant, epoch.number)["commit"].count == epoch.lines


@many
def test_an_epoch_begins_where_the_one_before_was_stopped(variant: str) -> None:
    epochs = manager_of(watched(variant)).epochs
    assert [epoch.number for epoch in epochs] == list(range(len(epochs)))
    assert epochs[0].started_ns == 0
    assert all(later.started_ns == epoch.paused_ns for epoch, later in pairwise(epochs))


@many
def test_an_epoch_lasts_the_interval_or_as_long_as_the_one_before_takes_to_send(variant: str) -> None:
    assert manager_of(watched(variant)).replication.checkpoint_interval == INTERVAL_NS
    for epoch, later in pairwise(complete(variant)):
        assert reached(later.paused_ns) >= reached(epoch.sent_ns) >= reached(epoch.resumed_ns)
        assert later.forced or reached(later.paused_ns) - later.started_ns >= INTERVAL_NS


def test_without_streaming_or_congestion_the_interval_is_kept_exactly() -> None:
    epochs = complete("no-streaming")
    assert {reached(epoch.paused_ns) - epoch.started_ns for epoch in epochs} == {INTERVAL_NS}


def test_a_checkpoint_can_wait_until_the_epoch_before_is_acknowledged() -> None:
    waiting = {"link.latency": "1500 us", "replication.next_checkpoint": "acknowledged"}
    epochs = [
        epoch for epoch in manager_of(cluster("no-streaming", "20 ms", **waiting)).epochs if epoch.acknowledged_ns
    ]
    assert len(epochs) > 3
    assert all(later.paused_ns == epoch.acknowledged_ns for epoch, later in pairwise(epochs))


def test_a_checkpoint_begins_when_its_thread_has_woken_up() -> None:
    woken = manager_of(cluster("no-streaming", **{"hypervisor.wake_up": "70 us"}))
    periods = {reached(epoch.paused_ns) - epoch.started_ns for epoch in woken.epochs if epoch.paused_ns is not None}
    assert periods == {INTERVAL_NS + 70_000}


@many
def test_the_outputs_of_an_epoch_are_released_when_it_is_acknowledged(variant: str) -> None:
    releases = [(release.time_ns, release.guest_ns) for release in watched(variant).pair.releases]
    epochs = complete(variant)
    assert releases == [(epoch.acknowledged_ns, output.guest_ns) for epoch in epochs for output in epoch.outputs]
    assert len(releases) > 10


@many
def test_the_outputs_of_an_epoch_are_those_ready_at_its_capture(variant: str) -> None:
    reached = 0
    for epoch in complete(variant):
        assert epoch.state is not None
        assert all(reached < output.guest_ns <= epoch.state.guest_ns for output in epoch.outputs)
        assert all(waiting.guest_ns > epoch.state.guest_ns for waiting in epoch.state.waiting)
        reached = epoch.state.guest_ns


def test_the_log_is_used_again_when_its_epoch_is_acknowledged() -> None:
    parts = cluster("no-streaming", "1 ms")
    log, tails = parts.primary.vm.log, [parts.primary.vm.log.tail]
    parts.event_log.on("commit", lambda _: tails.append(log.tail))
    parts.event_log.on("acknowledge", lambda event: tails.append(manager_of(parts).epochs[event.epoch].log_position))
    while not parts.event_log.times("acknowledge"):
        parts.env.step()
    assert tails[0] == tails[1] != tails[2] == log.tail


@pytest.mark.parametrize("copier", ["vm-core", "helper-thread"])
def test_messages_that_take_long_to_build_leave_later_and_stop_nobody(copier: str) -> None:
    keys = {"replication.copier": copier, "replication.log.size": "1 MiB"}
    least, more = (
        manager_of(cluster("no-streaming", "4 ms", **keys, **{"hypervisor.message": time})).epochs[0]
        for time in ("0 us", "12 us")
    )
    messages = -(-least.residue // 64)
    assert pause_ns(least) == pause_ns(more)
    sending_ns = [reached(epoch.sent_ns) - reached(epoch.resumed_ns) for epoch in (least, more)]
    assert sending_ns[1] > 12_000 * messages > sending_ns[0]


def test_the_other_host_takes_its_time_to_ask_for_each_message() -> None:
    keys = {"replication.copier": "other-host", "replication.log.size": "1 MiB", "link.latency": "2 us"}
    least, more = (
        manager_of(cluster("no-streaming", "4 ms", **keys, **{"hypervisor.message": time})).epochs[0]
        for time in ("0 us", "3 us")
    )
    assert more.harvest_ns - least.harvest_ns == pytest.approx(3000 * -(-least.residue // 64), rel=0.01)


# Streaming.


@cache
def roomy(variant: str) -> list[Epoch]:
    """Return the acknowledged epochs of a variant on a fast link with a large log."""
    parts = cluster(variant, **{"link.bandwidth": "100 Gbit/s", "replication.log.size": "1 MiB"})
    assert (manager_of(parts).interrupts, manager_of(parts).log_stall_ns) == (0, 0)
    return [epoch for epoch in manager_of(parts).epochs if epoch.acknowledged_ns is not None]


def test_streaming_leaves_less_for_the_checkpoint_and_shortens_the_pause() -> None:
    streamed, whole = roomy("base"), roomy("no-streaming")
    assert len(streamed) == len(whole) >= 4
    for name in ("residue", "harvest_ns"):
        assert max(getattr(epoch, name) for epoch in streamed) < min(getattr(epoch, name) for epoch in whole)
    assert max(map(pause_ns, streamed)) < min(map(pause_ns, whole))


def test_streaming_sends_more_lines_a_line_changed_again_is_sent_again() -> None:
    for epoch in roomy("base"):
        assert epoch.lines > np.unique(np.concatenate([*epoch.logged])).size > epoch.residue
    for epoch in roomy("no-streaming"):
        assert epoch.lines == np.unique(np.concatenate([*epoch.logged])).size == epoch.residue


def test_deduplication_takes_its_time_for_every_address_that_the_checkpoint_reads() -> None:
    each = manager_of(watched("base")).hypervisor.deduplication
    for epoch in roomy("no-streaming"):
        assert epoch.entries > epoch.residue
        assert epoch.deduplication_ns == each * epoch.entries
    for epoch in roomy("base"):
        assert each * epoch.residue <= epoch.deduplication_ns < each * epoch.entries


def test_streaming_does_not_pile_up_behind_a_slow_link() -> None:
    slow = cluster("base", **{"link.bandwidth": "1 Gbit/s", "detection.timeout": "50 ms"})
    fast = watched("base")
    assert len([*manager_of(slow).epochs[0].logged]) < len([*manager_of(fast).epochs[0].logged])


# A slow link.


def test_the_period_stretches_on_a_slow_link_and_no_epoch_is_dropped() -> None:
    slow = {"link.bandwidth": "2 Gbit/s", "detection.timeout": "50 ms", "replication.log.size": "1 MiB"}
    parts = cluster("no-streaming", "20 ms", **slow)
    epochs = manager_of(parts).epochs
    commits = [event.epoch for event in parts.event_log.events if event.kind == "commit"]
    assert commits == list(range(len(commits)))
    assert len(commits) >= 2
    for epoch, later in pairwise(epochs[: len(commits)]):
        assert later.paused_ns == max(reached(epoch.sent_ns), later.started_ns + INTERVAL_NS)
    assert reached(epochs[1].paused_ns) - epochs[1].started_ns > INTERVAL_NS


# A log without room.


@pytest.mark.parametrize("variant", ["log-drain", "log-checkpoint", "log-stall", "log-stall-least"])
def test_a_small_log_interrupts_and_every_interrupt_is_counted(variant: str) -> None:
    parts = watched(variant)
    events = [event for event in parts.event_log.events if event.kind == "log-limit"]
    assert len(events) == manager_of(parts).interrupts > 0
    assert manager_of(parts).log_stall_ns > 0
    assert parts.primary.vm.log.free_entries >= 0


@pytest.mark.parametrize("variant", ["log-drain", "log-drain-streaming", "log-checkpoint", "log-stall"])
def test_an_acknowledgement_never_takes_back_room_that_was_made(variant: str) -> None:
    parts = cluster(variant, "1 ms")
    log, free = parts.primary.vm.log, list[int]()
    parts.event_log.on("acknowledge", lambda _: free.append(log.free_entries))
    for _ in range(5000):
        seen = len(free)
        parts.env.step()
        assert len(free) == seen or log.free_entries >= free[-1]
    assert len(free) >= 2


@pytest.mark.parametrize("variant", ["log-drain", "log-checkpoint", "log-stall"])
def test_a_stall_is_part_of_the_time_in_which_the_vm_stands_still(variant: str) -> None:
    parts = watched(variant)
    begins = [begin for begin, _ in parts.primary.vm.spans]
    limits = [event.time_ns for event in parts.event_log.events if event.kind == "log-limit"]
    end = int(parts.env.now)
    stopped = sum(min((begin for begin in begins if begin > limit), default=end) - limit for limit in limits)
    assert 0 < manager_of(parts).log_stall_ns <= stopped


def test_draining_ships_early_within_the_epoch() -> None:
    epochs = complete("log-drain")
    assert VARIANTS["log-drain"]["replication"]["scan_interval"] is None
    assert not any(epoch.forced for epoch in epochs)
    assert any(epoch.lines > epoch.residue for epoch in epochs)


def test_a_forced_checkpoint_comes_before_it_is_due() -> None:
    epochs = complete("log-checkpoint")
    forced = [epoch for epoch in epochs if epoch.forced]
    assert forced
    assert all(reached(epoch.paused_ns) - epoch.started_ns < INTERVAL_NS for epoch in forced)
    assert all(epoch.lines == epoch.residue for epoch in epochs)


def test_an_epoch_on_its_way_gives_room_without_another_checkpoint() -> None:
    parts = cluster("log-checkpoint", **{"link.latency": "400 us"})
    forced = sum(epoch.forced for epoch in manager_of(parts).epochs)
    assert 0 < forced < manager_of(parts).interrupts


def test_the_vm_waits_at_the_guard_band() -> None:
    parts = cluster("log-drain", until="5 ms", clients=None)
    vm, free = parts.primary.vm, list[int]()
    vm.request_entries = 12
    parts.event_log.on("log-limit", lambda _: free.append(vm.log.free_entries))
    parts.env.run(until=10_000_000)
    limit, request = guard_band(parts.scenario) + vm.request_entries, vm.request_entries
    assert len(free) > 20
    assert sum(limit <= entries < limit + 2 for entries in free) > 0.9 * len(free)
    assert all(limit - 2 * request <= entries < limit + 2 for entries in free)  # requests may come as it stands still


def test_a_stalling_processor_fills_the_log_to_the_last_request() -> None:
    log = watched("log-stall").primary.vm.log
    assert log.guard_band == 0
    assert log.peak_fill > watched("log-drain").primary.vm.log.peak_fill
    assert log.peak_fill <= 1
