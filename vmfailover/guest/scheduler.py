"""Lets virtual machines execute between the events of the simulation."""

from bisect import insort
from collections.abc import Generator
from itertools import count

import simpy

from vmfailover.engine.priority_timeout import LAST, PriorityTimeout
from vmfailover.guest.virtual_machine import Reached, VirtualMachine
from vmfailover.hardware.processor import HALTED

#: Records that a VM executes at most without giving the simulation a turn. Any value gives the same results.
DEFAULT_QUANTUM = 1 << 20
#: Shortest time by which machines that a log may stop run ahead of each other, nanoseconds.
LEAST_LOOKAHEAD_NS = 1_000


class LastTimeout(PriorityTimeout):
    """Happens after a delay, when all else that happens at that instant has happened."""

    def __init__(self, env: simpy.Environment, delay_ns: int) -> None:
        """Happen in `delay_ns` nanoseconds."""
        super().__init__(env, delay_ns, LAST)


class Scheduler:
    """Runs every VM exactly up to the simulation's next event, as one event a quantum.

    Nothing can look at a VM, or change it, before the next scheduled event; so up to there it runs ahead. Only a log
    without room stops one before. What its host does then takes `latency_ns` to have an effect on another VM that runs,
    so no machine runs further ahead of others than their logs last for certain, or else by that time; on a link that is
    faster still by `LEAST_LOOKAHEAD_NS`, since the time of such a run would else go on by its latency.
    """

    def __init__(self, env: simpy.Environment, quantum: int, latency_ns: int) -> None:
        """Start with no VM; `latency_ns` is that of the link between their hosts."""
        self.env = env
        self._quantum = quantum
        self._lookahead_ns = max(latency_ns, LEAST_LOOKAHEAD_NS)
        self._numbers = count()
        #: Every VM that runs, in the order in which they were added, each with its number in it.
        self._running: list[tuple[int, VirtualMachine]] = []
        self._resumed = env.event()
        env.process(self._drive())

    def add(self, vm: VirtualMachine) -> None:
        """Run this VM, which stands still, too whenever it is running."""
        entry = next(self._numbers), vm
        vm.on_resume.append(lambda: self._begin(entry))
        vm.on_pause.append(lambda: self._running.remove(entry))

    def _begin(self, entry: tuple[int, VirtualMachine]) -> None:
        insort(self._running, entry)
        if not self._resumed.triggered:
            self._resumed.succeed()

    def _drive(self) -> Generator[simpy.Event, None, None]:
        while True:
            if not self._running:
                self._resumed = self.env.event()
                yield self._resumed
            elif self.env.peek() <= self.env.now:
                yield LastTimeout(self.env, 0)
            else:
                yield from self._advance([vm for _, vm in self._running])

    def _advance(self, running: list[VirtualMachine]) -> Generator[simpy.Event, None, None]:
        now = int(self.env.now)
        lasts = {vm: vm.log_lasts_ns for vm in running}
        first, *others = sorted(running, key=lambda vm: lasts[vm])
        safe_ns = min((lasts[vm] for vm in others), default=HALTED)
        horizon = min(int(self.env.peek()), now + max(safe_ns, self._lookahead_ns))
        reached: dict[VirtualMachine, Reached] = {}
        for vm in (first, *others):
            reached[vm] = vm.advance_to(horizon, self._quantum)
            horizon = min(horizon, reached[vm].time_ns)
        yield LastTimeout(self.env, max(0, horizon - now))
        for vm in running:
            if reached[vm].needs_log and reached[vm].time_ns <= horizon and vm.running:
                vm.on_log_limit()
