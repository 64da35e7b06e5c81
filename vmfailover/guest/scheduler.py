"""Lets virtual machines execute between the events of the simulation."""

from collections.abc import Generator

import simpy
from simpy.events import NORMAL, EventPriority

from vmfailover.guest.virtual_machine import Reached, VirtualMachine

#: Records that a VM executes at most without giving the simulation a turn. Any value gives the same results.
DEFAULT_QUANTUM = 1 << 20
#: Shortest time by which machines that a log may stop run ahead of each other, nanoseconds.
LEAST_LOOKAHEAD_NS = 1_000

#: Priority of events that happen after all others of their instant.
LAST = EventPriority(NORMAL + 1)


class LastTimeout(simpy.Event):
    """Happens after a delay, when all else that happens at that instant has happened."""

    def __init__(self, env: simpy.Environment, delay_ns: int) -> None:
        """Happen in `delay_ns` nanoseconds."""
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, LAST, delay_ns)


class Scheduler:
    """Runs every VM exactly up to the simulation's next event, as one event a quantum.

    Nothing can look at a VM, or change it, before the next scheduled event; so up to there it runs ahead. Only a log
    without room stops one before. What its host does then takes `latency_ns` to have an effect on another VM that runs,
    so machines that this can happen to stay within that time of each other; on a link that is faster still they stay
    within `LEAST_LOOKAHEAD_NS`, since the time of such a run would else go on by its latency.
    """

    def __init__(self, env: simpy.Environment, quantum: int, latency_ns: int) -> None:
        """Start with no VM; `latency_ns` is that of the link between their hosts."""
        self.env = env
        self._quantum = quantum
        self._lookahead_ns = max(latency_ns, LEAST_LOOKAHEAD_NS)
        self._machines: list[VirtualMachine] = []
        self._resumed = env.event()
        env.process(self._drive())

    def add(self, vm: VirtualMachine) -> None:
        """Run this VM too, whenever it is running."""
        self._machines.append(vm)
        vm.on_resume.append(self._wake)

    def _wake(self) -> None:
        if not self._resumed.triggered:
            self._resumed.succeed()

    def _drive(self) -> Generator[simpy.Event, None, None]:
        while True:
            running = [vm for vm in self._machines if vm.running]
            if not running:
                self._resumed = self.env.event()
                yield self._resumed
            elif self.env.peek() <= self.env.now:
                yield LastTimeout(self.env, 0)
            else:
                yield from self._advance(running)

    def _advance(self, running: list[VirtualMachine]) -> Generator[simpy.Event, None, None]:
        now = int(self.env.now)
        horizon = int(self.env.peek())
        if len(running) > 1 and any(vm.log_may_stop_it for vm in running):
            horizon = min(horizon, now + self._lookahead_ns)
        reached: list[Reached] = []
        for vm in running:
            reached.append(vm.advance_to(horizon, self._quantum))
            horizon = min(horizon, reached[-1].time_ns)
        yield LastTimeout(self.env, max(0, horizon - now))
        for vm, end in zip(running, reached, strict=True):
            if end.needs_log and end.time_ns <= horizon and vm.running:
                vm.on_log_limit()
