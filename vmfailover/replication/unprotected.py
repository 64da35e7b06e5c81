"""A VM that runs on the host that has taken over, with no further host to ship to."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.answers import Answers
from vmfailover.guest.server import Completion
from vmfailover.replication.site import Node
from vmfailover.replication.tracker import Tracker, lines_of

Steps = Generator[simpy.Event, Any, None]


class UnprotectedVm:
    """Consumes what a tracker finds without shipping, and releases every answer at once: nobody has to know it first.

    What has been modified is kept as one bit a line, for the synchronisation with a new secondary.
    """

    def __init__(self, env: simpy.Environment, node: Node, tracker: Tracker | None) -> None:
        """Run the guest of `node`; nothing runs yet. Without a tracker nobody knows what is modified."""
        self.env = env
        self._node = node
        self._tracker = tracker
        #: bool[lines]: lines that have been found modified since the start.
        self.modified: npt.NDArray[np.bool_] = np.zeros(node.host.memory.versions.size, np.bool_)
        self._fresh = np.zeros_like(self.modified)
        self.interrupts = 0

    @property
    def tracked(self) -> bool:
        """Whether anything knows what is modified."""
        return self._tracker is not None

    def run(self, check_interval_ns: int, respond: Callable[[Completion], None]) -> None:
        """Start the VM, look periodically for what it modifies, and release its answers as they become ready."""
        host, guest = self._node.host, self._node.guest
        guest.vm.on_log_limit = self._on_log_limit
        Answers(self.env, host, guest, respond).start()
        if self._tracker is not None:
            host.run(self._tracker.check_periodically(check_interval_ns, self._make_room, self.consume))
        guest.vm.resume(int(self.env.now))

    def consume(self) -> None:
        """Take everything that the tracker has found."""
        assert self._tracker is not None
        memory, unit_lines = self._node.host.memory, self._node.host.processor.tracking.unit_lines
        units = self._tracker.read() // (memory.line_bytes * unit_lines)
        lines = lines_of(units, unit_lines, memory.versions.size)
        self.modified[lines] = self._fresh[lines] = True
        self._tracker.release(self._tracker.position)

    def found_modified(self) -> npt.NDArray[np.int64] | None:
        """Return the addresses of all lines found modified since the start, int64[n]; None without a tracker."""
        if self._tracker is None:
            return None
        self.consume()
        lines = np.union1d(np.flatnonzero(self.modified), self._tracker.outstanding())
        return lines * self._node.host.memory.line_bytes

    def find_modified(self) -> Steps:
        """Find everything that has been modified, if there is a tracker; the VM stands still."""
        if self._tracker is not None:
            yield from self._tracker.find_modified(self._make_room)
            self.consume()

    def take_fresh(self) -> npt.NDArray[np.int64]:
        """Return the lines found modified since the last call, int64[n], in order."""
        lines = np.flatnonzero(self._fresh)
        self._fresh[lines] = False
        return lines

    def _on_log_limit(self) -> None:
        self.interrupts += 1
        self.consume()

    def _make_room(self) -> Steps:
        self.consume()
        yield self.env.timeout(0)
