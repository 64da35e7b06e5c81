"""The cache controller: walks take time, lose nothing on a full log, and happen only while the VM runs."""

from typing import Any

import pytest
import simpy
from computers import address_log, flags, processor, store

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache_controller import CacheController

#: 16 sets at a cycle of a nanosecond each.
WALK_NS = 16
CLOCK: dict[str, Any] = {"clock": "1 GHz"}


class Bench:
    """A controller with what it controls, and what has been read from its log."""

    def __init__(self, cores: int = 1, log_lines: int = 16) -> None:
        self.env = simpy.Environment()
        self.processor = processor(cores, **CLOCK)
        self.log: AddressLog = address_log(log_lines)
        self.vm = VirtualMachine(self.processor, self.log, 0)
        self.begun: list[int] = []
        self.found: list[int] = []
        self.controller = CacheController(
            self.env, self.processor, self.log, self.vm, lambda: self.begun.append(int(self.env.now))
        )
        for core in range(cores):
            self.processor.set_first_mode(core, True)

    def make_room(self) -> Any:
        yield self.env.timeout(100)
        self.consume()

    def consume(self) -> None:
        self.found += (self.log.read() // 128).tolist()
        self.log.release(self.log.next)

    def walk(self) -> None:
        self.env.run(self.env.process(self.controller.walk(self.make_room)))

    def check(self, until_ns: int) -> list[int]:
        """Check every 1000 ns; return the instants at which a check was over."""
        over: list[int] = []
        self.env.process(
            self.controller.check_periodically(1000, self.make_room, lambda: over.append(int(self.env.now)))
        )
        self.env.run(until=until_ns)
        return over


def test_a_walk_logs_every_flag_of_every_core_and_takes_its_time() -> None:
    bench = Bench(cores=2)
    store(bench.processor, [1, 2], bench.log, core=0)
    store(bench.processor, [40], bench.log, core=1)
    bench.walk()
    assert bench.env.now == WALK_NS
    assert bench.begun == [0]
    assert flags(bench.processor) == 0
    assert sorted(bench.log.read() // 128) == [1, 2, 40]


def test_a_walk_without_flags_takes_as_long() -> None:
    bench = Bench()
    bench.walk()
    assert bench.env.now == WALK_NS
    assert bench.log.read().size == 0


@pytest.mark.parametrize(("log_lines", "rooms"), [(2, 3), (3, 1), (5, 0)])
def test_a_full_log_is_emptied_as_often_as_need_be(log_lines: int, rooms: int) -> None:
    bench = Bench(log_lines=log_lines)
    store(bench.processor, range(64), address_log())
    bench.walk()
    bench.consume()
    assert bench.env.now == rooms * 100 + WALK_NS
    assert sorted(bench.found) == list(range(64))
    assert flags(bench.processor) == 0


def test_checks_hold_up_the_running_vm_for_a_walk_each() -> None:
    bench = Bench()
    bench.vm.resume(0)
    assert bench.check(2500) == [1000 + WALK_NS, 2000 + 2 * WALK_NS]
    assert bench.begun == [1000, 2000 + WALK_NS]
    assert bench.vm.running
    assert bench.vm.spans == [(0, 1000), (1000 + WALK_NS, 2000 + WALK_NS)]


def test_a_vm_that_stands_still_is_not_checked() -> None:
    bench = Bench()
    store(bench.processor, [1], bench.log)
    assert bench.check(3500) == []
    assert bench.begun == []
    assert flags(bench.processor) == 1
    bench.vm.resume(3500)
    bench.env.run(until=4500)
    assert bench.begun == [4000]


def test_what_a_check_finds_is_in_the_log_when_it_is_over() -> None:
    bench = Bench()
    bench.vm.resume(0)
    store(bench.processor, [5], bench.log)
    bench.env.process(bench.controller.check_periodically(1000, bench.make_room, bench.consume))
    bench.env.run(until=1500)
    assert bench.found == [5]
