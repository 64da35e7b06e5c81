"""The answers of a guest at the instants at which they are ready."""

from collections.abc import Callable, Generator
from typing import Any

import simpy

from vmfailover.guest.guest import Guest
from vmfailover.guest.server import Completion
from vmfailover.hardware.host import Host


class Answers:
    """Tells of each answer when the VM has reached the guest time at which it is ready."""

    def __init__(self, env: simpy.Environment, host: Host, guest: Guest, tell: Callable[[Completion], None]) -> None:
        """Tell of nothing yet; the answers of `guest` come from `host` while it is up."""
        self.env = env
        self._host = host
        self._guest = guest
        self._tell = tell
        self._resumed = env.event()
        guest.vm.on_resume.append(self._wake)

    def start(self) -> None:
        """Tell of the answers to all requests that wait in the guest now, and to all that come."""
        self._guest.on_accept.append(self._expect)
        self.expect_waiting()

    def expect_waiting(self) -> None:
        """Tell of the answers to all requests that wait in the guest now: it has been set to another state."""
        for completion in self._guest.server.waiting:
            self._expect(completion)

    def _expect(self, completion: Completion) -> None:
        self._host.run(self._await(completion, self._guest.server))

    def _wake(self) -> None:
        resumed, self._resumed = self._resumed, self.env.event()
        resumed.succeed()

    def _await(self, completion: Completion, server: object) -> Generator[simpy.Event, Any, None]:
        vm = self._guest.vm
        while (due := vm.instant(completion.guest_ns) - int(self.env.now)) > 0 or not vm.running:
            yield self.env.timeout(due) if vm.running else self._resumed
            if self._guest.server is not server:
                return  # the guest has been set to another state, in which this request may not exist
        self._tell(completion)
