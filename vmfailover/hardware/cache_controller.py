"""The cache controller (122): checks the flags and writes the addresses of flagged lines to the log."""

from collections.abc import Callable
from typing import Protocol

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.processor import Processor

MakeRoom = Callable[[], Steps]


class Pausable(Protocol):
    """What the controller needs to know of the VM whose cores it holds up."""

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores of the host that are the VM's."""

    @property
    def running(self) -> bool:
        """Whether the VM executes."""

    def pause(self, now_ns: int) -> None:
        """Stop the VM."""

    def resume(self, now_ns: int) -> None:
        """Take back one `pause`."""


class CacheController:
    """Walks the flags of every core of one VM."""

    def __init__(
        self,
        env: simpy.Environment,
        processor: Processor,
        log: AddressLog,
        vm: Pausable,
        on_walk: Callable[[], None],
    ) -> None:
        """`on_walk` is told of each walk that begins."""
        self.env = env
        self._processor = processor
        self._log = log
        self._vm = vm
        self._on_walk = on_walk

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Walk all flags every `interval_ns`, holding up the VM if it runs; call `after` when all is in the log."""
        while True:
            yield self.env.timeout(interval_ns)
            if self._vm.running:
                self._vm.pause(int(self.env.now))
                yield from self.walk(make_room)
                self._vm.resume(int(self.env.now))
                after()

    def walk(self, make_room: MakeRoom) -> Steps:
        """Log every flagged line and clear its flag, in the time of a walk over all sets.

        Whenever the log is full, `make_room` is to free some of it.
        """
        self._on_walk()
        for core in self._vm.cores:
            yield from self._walk_core(core, make_room)
        yield self.env.timeout(self._processor.scan_walk_ns)

    def _walk_core(self, core: int, make_room: MakeRoom) -> Steps:
        done = 0
        while True:
            self._log.set_limit()
            done = self._processor.scan(core, self._log.logs, done)
            if done == self._processor.sets:
                return
            yield from make_room()
