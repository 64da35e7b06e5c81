"""Cache-line flags, from stores to addresses."""

from typing import Any

import numpy as np
import simpy

from vmfailover.hardware.cache.state import Accesses
from vmfailover.replication.protocols.cacheline_flags.protection import FlaggedLines

from ..machinery import LINE_BYTES, new_node, new_site


def no_room() -> Any:
    raise AssertionError("the log is large enough")
    yield


class Tracked:
    """A VM under a protocol."""

    def __init__(self, log_lines: int = 16) -> None:
        self.env = simpy.Environment()
        context, node = new_site(self.env), new_node(self.env, "primary", log_lines)
        self.vm, self.event_log = node.vm, context.event_log
        self.tracker = FlaggedLines(context, node)

    def store(self, *lines: int) -> None:
        shape = (1, len(lines))
        blocks = np.array([lines], np.uint32) * np.uint32(LINE_BYTES // 64)
        ones = np.ones(shape, np.uint32)
        accesses = Accesses(blocks, ones.astype(np.uint8), ones, ones, np.array([len(lines)]))
        self.vm.log.set_limit()
        self.vm.processor.advance(accesses, np.zeros(1, np.int64), 1 << 62, 1000, self.vm.log.logs)

    def find(self) -> list[int]:
        self.env.run(self.env.process(self.tracker.find_modified(no_room)))
        return sorted((self.tracker.read() // LINE_BYTES).tolist())


def test_what_has_been_modified_is_found_once() -> None:
    tracked = Tracked()
    tracked.store(5, 9, 5)
    assert tracked.find() == [5, 9]
    assert tracked.find() == []
    tracked.store(9)
    assert tracked.find() == [9]


def test_every_walk_is_in_the_journal() -> None:
    tracked = Tracked()
    tracked.find()
    (event,) = tracked.event_log.events
    assert (event.kind, event.host, event.duration_ns) == ("scan", "primary", tracked.vm.processor.scan_walk_ns)


def test_room_comes_back_when_what_was_read_is_released() -> None:
    tracked = Tracked(log_lines=2)
    assert not tracked.tracker.needs_room
    tracked.store(*range(16))
    assert tracked.find() == list(range(16))
    assert tracked.tracker.needs_room
    tracked.tracker.release(tracked.tracker.position)
    assert not tracked.tracker.needs_room


def test_periodic_checks_find_what_a_running_vm_has_modified() -> None:
    tracked = Tracked()
    tracked.store(3)
    tracked.vm.resume(0)
    found: list[int] = []
    tracked.env.process(
        tracked.tracker.check_periodically(1000, no_room, lambda: found.extend(tracked.tracker.read() // LINE_BYTES))
    )
    tracked.env.run(until=1500)
    assert found == [3]
