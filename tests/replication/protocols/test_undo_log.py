"""Undo logs: what a first store overwrites is kept, and a failover puts it back."""

from typing import Any

import numpy as np
import pytest

from vmfailover.replication.messages import CommitMarker, LineBatch, UndoBatch
from vmfailover.scenario.sizes import ADDRESS_BYTES

from ..machinery import LINE_BYTES, LINES, batch, marker, numbers, state
from .parts import InPlace, Mirror, Pool, Protected, UndoPacking, no_room, store, tracking_of

#: Reading and writing a line takes so long at the memory's bandwidth.
LINE_NS = 2


def undo(epoch: int, versions: dict[int, int]) -> UndoBatch:
    return UndoBatch(epoch, numbers(*versions), np.array([*versions.values()], np.uint32), 0)


def entries(log: Any) -> dict[int, int]:
    lines, versions = log
    return dict(zip(lines.tolist(), versions.tolist(), strict=True))


def checkpoint(protected: Protected) -> None:
    protected.env.run(protected.env.process(protected.protection.tracker.find_modified(no_room)))


# What is kept.


def test_a_first_store_copies_a_line() -> None:
    tracking = tracking_of("undo-log")
    assert tracking.keep_undo
    protected, free = Protected("undo-log"), Protected("cold-restart")
    assert store(protected.primary, 3, 3, 4) - store(free.primary, 3, 3, 4) == 2 * LINE_NS * 1_000_000


def test_the_log_has_what_was_there_before_the_first_store_of_an_interval() -> None:
    protected = Protected("undo-log")
    tracker = protected.protection.tracker
    store(protected.primary, 3, 3, 4)
    checkpoint(protected)
    store(protected.primary, 3)
    assert entries(tracker.undo.take_fresh()) == {3: 2}
    assert [entries(log) for log in tracker.undo.ended] == [{3: 0, 4: 0}]


def test_an_entry_is_taken_once() -> None:
    protected = Protected("undo-log")
    tracker = protected.protection.tracker
    store(protected.primary, 3)
    assert entries(tracker.undo.take_fresh()) == {3: 0}
    store(protected.primary, 3, 5)
    assert entries(tracker.undo.take_fresh()) == {5: 0}
    checkpoint(protected)
    store(protected.primary, 3)
    assert entries(tracker.undo.take_fresh()) == {3: 2}


def test_what_a_device_is_about_to_write_is_kept_and_found() -> None:
    protected = Protected("undo-log")
    tracker = protected.protection.tracker
    store(protected.primary, 7)
    checkpoint(protected)
    tracker.read()
    tracker.note_device_write(range(7, 9))
    assert entries(tracker.undo.take_fresh()) == {7: 1, 8: 0}
    checkpoint(protected)
    assert (tracker.read() // LINE_BYTES).tolist() == [7, 8]


def test_entries_travel_before_the_lines_that_they_could_undo() -> None:
    protected = Protected("undo-log", **{"hypervisor.message": "7 ns"})
    tracker = protected.protection.tracker
    packing = UndoPacking(protected.context, tracker.undo)
    store(protected.primary, 3)
    checkpoint(protected)
    store(protected.primary, 3, 4)
    old, fresh, lines = packing.pack(1, numbers(3), np.ones(1, np.uint32))
    assert [entries((each.lines, each.versions)) for each in (old, fresh, lines)] == [{3: 0}, {3: 1, 4: 0}, {3: 1}]
    assert [type(each) for each in (old, fresh, lines)] == [UndoBatch, UndoBatch, LineBatch]
    assert (fresh.content_bytes, fresh.preparation_ns) == (2 * (ADDRESS_BYTES + LINE_BYTES), 7)
    assert len(packing.pack(1, numbers(3), np.ones(1, np.uint32))) == 1


# Mirrored.


def mirrored() -> tuple[Protected, Mirror]:
    protected = Protected("undo-log")
    mirror = protected.protection.receiver
    assert isinstance(mirror, Mirror)
    protected.protection.manager.acknowledged = lambda _: None
    return protected, mirror


def image(protected: Protected) -> dict[int, int]:
    versions = protected.secondary.host.memory.versions
    return {int(line): int(versions[line]) for line in np.flatnonzero(versions)}


def test_a_mirror_follows_at_once_and_commits_what_is_whole() -> None:
    protected, mirror = mirrored()
    first = batch(0, {1: 5, 2: 6}, final=True)
    mirror.endpoint.receive(undo(0, {1: 0, 2: 0}))
    mirror.endpoint.receive(first)
    assert image(protected) == {1: 5, 2: 6}
    assert (mirror.lines, mirror.peak_bytes) == (2, 2 * LINE_BYTES)
    assert protected.protection.committed_epoch == -1
    mirror.endpoint.receive(marker(0, [first]))
    assert (protected.protection.committed_epoch, protected.protection.committed) == (0, state(1))
    assert [event.kind for event in protected.context.event_log.events] == ["staged", "commit", "apply"]
    assert protected.complete() == state(1)
    assert (image(protected), protected.env.now) == ({1: 5, 2: 6}, 0)


def test_an_epoch_that_is_not_whole_is_not_committed() -> None:
    protected, mirror = mirrored()
    mirror.endpoint.receive(batch(0, {1: 5, 2: 6}))
    mirror.endpoint.receive(CommitMarker(0, 3, state(1), 100))
    assert protected.protection.committed_epoch == -1


def test_a_mirror_rolls_back_to_the_last_commit_the_newest_entry_first() -> None:
    protected, mirror = mirrored()
    first = batch(0, {1: 5})
    mirror.endpoint.receive(first)
    mirror.endpoint.receive(marker(0, [first]))
    for each in (undo(1, {1: 5}), batch(1, {1: 6}), undo(2, {1: 6, 2: 0}), batch(2, {1: 7, 2: 1})):
        mirror.endpoint.receive(each)
    assert protected.complete() == state(1)
    assert image(protected) == {1: 5}
    assert protected.env.now == 3 * LINE_NS
    mirror.endpoint.receive(batch(2, {1: 8}))
    assert image(protected) == {1: 5}


# Where both hosts reach them.


def pooled() -> tuple[Protected, Pool]:
    protected = Protected("undo-log", **{"replication.undo_log.placement": "local"})
    pool = protected.protection.receiver
    assert isinstance(pool, Pool)
    protected.protection.manager.acknowledged = lambda _: None
    return protected, pool


def test_a_pool_rolls_back_every_interval_that_is_not_committed() -> None:
    protected, pool = pooled()
    store(protected.primary, 1, 2)
    checkpoint(protected)
    pool.endpoint.receive(marker(0, []))
    store(protected.primary, 2, 3)
    checkpoint(protected)
    store(protected.primary, 3)
    assert protected.complete() == state(1)
    walked_ns = 2 * 16 + 2 * 1 + 2 * 1
    assert image(protected) == {1: 1, 2: 1}
    assert protected.env.now == walked_ns + 3 * LINE_NS


def test_a_pool_takes_no_commit_after_the_failover() -> None:
    protected, pool = pooled()
    store(protected.primary, 1)
    checkpoint(protected)
    protected.complete()
    pool.endpoint.receive(marker(0, []))
    assert protected.protection.committed_epoch == -1
    assert image(protected) == {}


def test_a_pool_is_settled_at_once() -> None:
    protected, _ = pooled()
    store(protected.primary, *range(LINES))
    assert protected.protection.settle()
    assert image(protected) == {}


def test_nobody_copies_to_a_pool() -> None:
    protected, _ = pooled()
    assert isinstance(protected.protection.manager.parts.collector, InPlace)
    copying = InPlace().copy(numbers(1, 2), before_ns=5, vm_stopped=False)
    assert protected.env.run(protected.env.process(copying)) == []
    assert protected.env.now == 0


@pytest.mark.parametrize(("placement", "lines"), [("mirrored", 2), ("local", 0)])
def test_what_takes_memory_on_the_secondary(placement: str, lines: int) -> None:
    protected = Protected("undo-log", **{"replication.undo_log.placement": placement})
    before = protected.protection.memory_bytes
    message = undo(0, {1: 0, 2: 0}) if placement == "mirrored" else batch(0, {1: 0, 2: 0})
    protected.protection.receiver.endpoint.receive(message)
    assert protected.protection.memory_bytes - before == lines * LINE_BYTES
