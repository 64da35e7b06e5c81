"""A VM that runs on the host that has taken over, with no further host to ship to."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.answers import Answers
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion
from vmfailover.replication.modification_tracker import ModificationTracker

#: Time between two looks for modified memory at least, nanoseconds; more of them tell nothing more. Assumed.
LEAST_CHECK_NS = 1_000


class StandaloneVm:
    """Consumes what a tracker finds without shipping, and releases every answer at once: nobody has to know it first.

    What has been modified is kept as one mark a unit, for the synchronisation with a new secondary.
    """

    def __init__(self, env: simpy.Environment, hosted: HostedVm, tracker: ModificationTracker | None) -> None:
        """Run the guest of `hosted`; nothing runs yet. Without a tracker nobody knows what is modified."""
        self.env = env
        self._hosted = hosted
        self._tracker = tracker
        unit_lines, lines = hosted.host.processor.tracking.unit_lines, hosted.vm.image.lines
        self._unit_bytes = unit_lines * hosted.host.memory.line_bytes
        #: bool[units]: units that have been found modified since the start.
        self.modified: npt.NDArray[np.bool_] = np.zeros(-(-lines // unit_lines), np.bool_)
        self._fresh: npt.NDArray[np.bool_] = np.zeros(self.modified.size, np.bool_)
        self.interrupts = 0

    @property
    def tracked(self) -> bool:
        """Whether anything knows what is modified."""
        return self._tracker is not None

    def run(self, check_interval_ns: int, respond: Callable[[Completion], None]) -> None:
        """Start the VM, look periodically for what it modifies, and release its answers as they become ready."""
        host, guest = self._hosted.host, self._hosted.guest
        check_interval_ns = max(check_interval_ns, LEAST_CHECK_NS)
        guest.vm.on_log_limit = self._on_log_limit
        Answers(self.env, host, guest, respond).start()
        if self._tracker is not None:
            host.run(self._tracker.check_periodically(check_interval_ns, self._make_room, self.consume))
        guest.vm.resume(int(self.env.now))

    def consume(self) -> None:
        """Take everything that the tracker has found."""
        assert self._tracker is not None
        units = self._tracker.read() // self._unit_bytes
        self.modified[units] = self._fresh[units] = True
        self._tracker.release(self._tracker.position)

    def found_modified(self) -> npt.NDArray[np.int64] | None:
        """Return an address in each unit found modified since the start, int64[n]; None without a tracker."""
        if self._tracker is None:
            return None
        self.consume()
        outstanding = self._tracker.outstanding() * self._hosted.host.memory.line_bytes
        return np.union1d(np.flatnonzero(self.modified) * self._unit_bytes, outstanding)

    def find_modified(self) -> Steps:
        """Find everything that has been modified, if there is a tracker; the VM stands still."""
        if self._tracker is not None:
            yield from self._tracker.find_modified(self._make_room)
            self.consume()

    def take_fresh(self) -> npt.NDArray[np.int64]:
        """Return an address in each unit found modified since the last call, int64[n], in order."""
        units = np.flatnonzero(self._fresh)
        self._fresh[units] = False
        return units * self._unit_bytes

    def _on_log_limit(self) -> None:
        self.interrupts += 1
        self.consume()

    def _make_room(self) -> Steps:
        self.consume()
        yield self.env.timeout(0)
