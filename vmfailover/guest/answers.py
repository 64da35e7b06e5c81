"""The answers of a guest at the instants at which they are ready."""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import simpy

from vmfailover.guest.guest import Guest
from vmfailover.guest.server import Completion
from vmfailover.hardware.host import Host


class Answers:
    """Tells of each answer, in order, when the VM has reached the guest time at which it is ready."""

    def __init__(self, env: simpy.Environment, host: Host, guest: Guest, tell: Callable[[Completion], None]) -> None:
        """Tell of nothing yet; the answers of `guest` come from `host` while it is up."""
        self.env = env
        self._host = host
        self._guest = guest
        self._tell = tell
        self._expected: deque[Completion] = deque()
        #: Happens when the VM begins to run, or when there is an answer to wait for after there was none.
        self._changed = env.event()
        guest.vm.on_resume.append(self._wake)

    def start(self) -> None:
        """Tell of the answers to all requests that wait in the guest now, and to all that come."""
        self._guest.on_accept.append(self._expect)
        self.expect_waiting()

    def expect_waiting(self) -> None:
        """Tell of the answers to all requests that wait in the guest now: it has been set to another state."""
        self._expected = deque(self._guest.server.waiting)
        self._host.run(self._tell_in_order(self._expected))

    def _expect(self, completion: Completion) -> None:
        self._expected.append(completion)
        if len(self._expected) == 1:
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, self.env.event()
        changed.succeed()

    def _tell_in_order(self, expected: deque[Completion]) -> Generator[simpy.Event, Any, None]:
        """Tell of answers, and of those that are added to them, until the guest is set to another state."""
        vm = self._guest.vm
        while expected is self._expected:
            if not vm.running or not expected:
                yield self._changed
            elif (due := vm.instant(expected[0].guest_ns) - int(self.env.now)) > 0:
                yield self.env.timeout(due)
            else:
                self._tell(expected.popleft())
