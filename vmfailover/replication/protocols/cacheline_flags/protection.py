"""Cache-line flags (US 2014/0164710): stores flag their rows, the cache controller logs the flagged lines."""

from collections.abc import Callable

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Leaving
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.logged_lines import LoggedLines
from vmfailover.replication.modification_tracker import MakeRoom
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class FlaggedLines(LoggedLines):
    """Finds the modified lines of a VM by image-modification flags and the address log."""

    @property
    def find_ns(self) -> int:
        """Time of one walk over all flags, nanoseconds."""
        return self._processor.scan_walk_ns

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Log what has been modified every `interval_ns`, and call `after` each time."""
        return self.controller.check_periodically(interval_ns, make_room, after)

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Log everything modified and not logged yet; the VM stands still."""
        return self.controller.walk(make_room)


class CachelineFlags(Checkpointing):
    """Checkpoints of the lines that flags have found."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """Stores flag their rows; a transfer logs the flag or carries it along."""
        del host
        return Tracking(leaving=Leaving.CARRY if replication.transfer == "carry" else Leaving.LOG)

    def new_tracker(self, hosted: HostedVm) -> FlaggedLines:
        """Return what reads the log that the flags fill."""
        return FlaggedLines(self.context, hosted)
