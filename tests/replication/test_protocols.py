"""The protocols by name, and cache-line flags from stores to addresses."""

from typing import Any, get_args

import numpy as np
import simpy

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.cache.state import Accesses
from vmfailover.journal import Journal
from vmfailover.replication.protocols import PROTOCOLS, CachelineFlags
from vmfailover.scenario.replication import Replication

from .machinery import LINE_BYTES, new_log, new_processor


def no_room() -> Any:
    raise AssertionError("the log is large enough")
    yield


class Tracked:
    """A VM under a protocol."""

    def __init__(self, log_lines: int = 16) -> None:
        self.env = simpy.Environment()
        self.vm = VirtualMachine(new_processor(), new_log(log_lines), 0)
        self.journal = Journal(self.env)
        self.tracker = CachelineFlags(self.env, self.vm, self.journal, "primary")

    def store(self, *lines: int) -> None:
        shape = (1, len(lines))
        blocks = np.array([lines], np.uint32) * np.uint32(LINE_BYTES // 64)
        ones = np.ones(shape, np.uint32)
        accesses = Accesses(blocks, ones.astype(np.uint8), ones, ones, np.array([len(lines)]))
        self.vm.log.set_limit()
        self.vm.processor.advance(accesses, np.zeros(1, np.int64), 1 << 62, 1000, self.vm.log)

    def find(self) -> list[int]:
        self.env.run(self.env.process(self.tracker.find_modified(no_room)))
        return sorted((self.tracker.read() // LINE_BYTES).tolist())


def test_every_protocol_of_a_scenario_is_there_and_no_other() -> None:
    assert set(PROTOCOLS) == set(get_args(Replication.model_fields["protocol"].annotation))


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
    (event,) = tracked.journal.events
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
