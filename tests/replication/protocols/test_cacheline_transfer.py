"""Cache-line transfers: what has left a cache is in the log, and a checkpoint writes back what has not."""

import simpy

from ..machinery import LINE_BYTES, new_node, new_site
from .parts import TransferredLines, no_room, store, tracking_of

#: 16 sets at a nanosecond each, and a nanosecond to write a line back.
WALK_NS, LINE_NS = 16, 1


class Tracked:
    """A VM under the protocol."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.node = new_node(self.env, "primary")
        self.tracker = TransferredLines(new_site(self.env), self.node)

    def find(self) -> list[int]:
        self.env.run(self.env.process(self.tracker.find_modified(no_room)))
        return sorted((self.tracker.read() // LINE_BYTES).tolist())


def test_a_checkpoint_finds_what_is_dirty_and_writes_it_back() -> None:
    tracked = Tracked()
    store(tracked.node, 5, 9, 5)
    assert not tracked.node.host.memory.versions.any()
    assert tracked.find() == [5, 9]
    assert tracked.node.host.memory.versions[[5, 9]].tolist() == [2, 1]
    assert tracked.find() == []


def test_a_checkpoint_takes_a_walk_and_a_write_for_each_dirty_line() -> None:
    tracked = Tracked()
    store(tracked.node, 5, 9, 12)
    assert tracked.tracker.find_ns == WALK_NS + 3 * LINE_NS
    tracked.find()
    assert tracked.env.now == WALK_NS + 3 * LINE_NS
    assert tracked.tracker.find_ns == WALK_NS


def test_between_checkpoints_nothing_is_walked() -> None:
    tracked = Tracked()
    store(tracked.node, 5)
    tracked.node.vm.resume(0)
    checks: list[int] = []
    tracked.env.process(
        tracked.tracker.check_periodically(1000, no_room, lambda: checks.append(tracked.tracker.read().size))
    )
    tracked.env.run(until=2500)
    assert checks == [0, 0]
    tracked.node.vm.pause(2500)
    tracked.env.run(until=5000)
    assert len(checks) == 2


def test_the_processor_is_asked_for_nothing_beside_its_dirty_bits() -> None:
    tracking = tracking_of("cacheline-transfer")
    assert tracking.logs
    assert (tracking.first_store_fs, tracking.unit_lines, tracking.keep_undo) == (0, 1, False)
