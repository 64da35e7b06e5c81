"""Cache-line transfers (US 9069701): no flags; what is written back, or moves to another cache, is logged.

A modified line can stay in its cache for long, so a checkpoint first cleans every dirty line.
"""

from collections.abc import Callable

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.logged_lines import LoggedLines
from vmfailover.replication.modification_tracker import MakeRoom
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.sizes import transfer_ns


class TransferredLines(LoggedLines):
    """Finds modified lines as they leave a cache.

    The hardware needs no flag beside the dirty bit: in these processors the flag is set and cleared together with it,
    and what is logged where a flagged row leaves is what would be logged where a dirty one does.
    """

    @property
    def find_ns(self) -> int:
        """Time to look at every row and to write back those that are dirty now, nanoseconds."""
        return self._processor.scan_walk_ns + self._write_back_ns(self._processor.dirty_rows)

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Call `after` every `interval_ns`: what has left the caches is in the log already."""
        del make_room
        while True:
            yield self._env.timeout(interval_ns)
            if self._vm.running:
                self._log.set_limit()
                self._processor.log_castouts(self._log.logs)
                after()

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Clean every dirty line, which logs it; the VM stands still."""
        yield from self.controller.walk(make_room)
        yield self._env.timeout(self._write_back_ns(self._processor.clean()))

    def _write_back_ns(self, lines: int) -> int:
        return transfer_ns(lines * self._processor.memory.line_bytes, self._processor.spec.memory.bandwidth)


class CachelineTransfer(Checkpointing):
    """Checkpoints of the lines that have left the caches, all modified ones having been cleaned."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """Modified rows are logged wherever they leave."""
        del replication, host
        return Tracking()

    def new_tracker(self, hosted: HostedVm) -> TransferredLines:
        """Return what reads the log that transfers fill."""
        return TransferredLines(self.context, hosted)
