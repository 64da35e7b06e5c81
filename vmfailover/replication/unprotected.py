"""A VM that runs in the first operating mode with a log of its own, but with no host to ship to."""

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.guest import Guest
from vmfailover.guest.server import Completion
from vmfailover.hardware.host import Host
from vmfailover.replication.output_buffer import Release
from vmfailover.replication.protocols import CachelineFlags

Steps = Generator[simpy.Event, Any, None]


class UnprotectedVm:
    """Consumes the log without shipping, and releases every output at once: there is no state to commit it to.

    What has been modified is kept as one bit a line. A new secondary needs a full synchronisation first.
    """

    def __init__(self, env: simpy.Environment, guest: Guest, tracker: CachelineFlags, host: Host) -> None:
        """Run `guest` on `host`; nothing runs yet."""
        self.env = env
        self._guest = guest
        self._tracker = tracker
        self._host = host
        #: bool[lines]: lines that have been logged since the start.
        self.modified: npt.NDArray[np.bool_] = np.zeros(host.memory.versions.size, np.bool_)
        self.interrupts = 0
        self._resumed = env.event()
        guest.vm.on_log_limit = self._on_log_limit
        guest.vm.on_resume.append(self._wake)

    def run(self, check_interval_ns: int, release: Release) -> None:
        """Start the VM, check its flags periodically, and release its answers as they become ready."""
        guest = self._guest

        def answer(completion: Completion) -> None:
            self._host.run(self._answer(completion, release))

        for completion in guest.server.waiting:
            answer(completion)
        guest.on_accept = answer
        self._host.run(self._tracker.check_periodically(check_interval_ns, self._make_room, self.consume))
        guest.vm.resume(int(self.env.now))

    def consume(self) -> None:
        """Take every address out of the log."""
        self.modified[self._tracker.read() // self._host.memory.line_bytes] = True
        self._tracker.release(self._tracker.position)

    def found_modified(self) -> npt.NDArray[np.int64]:
        """Return the addresses of all lines found modified since the start, int64[n]: logged, or flagged still."""
        self.consume()
        lines = np.union1d(np.flatnonzero(self.modified), self._guest.vm.processor.flagged_lines)
        return lines * self._host.memory.line_bytes

    def _on_log_limit(self) -> None:
        self.interrupts += 1
        self.consume()

    def _make_room(self) -> Steps:
        self.consume()
        yield self.env.timeout(0)

    def _wake(self) -> None:
        resumed, self._resumed = self._resumed, self.env.event()
        resumed.succeed()

    def _answer(self, completion: Completion, release: Release) -> Steps:
        """Wait until the VM has reached the guest time at which an answer is ready."""
        vm = self._guest.vm
        while (due := vm.instant(completion.guest_ns) - int(self.env.now)) > 0 or not vm.running:
            yield self.env.timeout(due) if vm.running else self._resumed
        release(completion, -1)
