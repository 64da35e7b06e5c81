"""Cache-line flags (US 2014/0164710): stores flag their rows, the cache controller logs the flagged lines."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Counter, Leaving
from vmfailover.hardware.cache_controller import CacheController
from vmfailover.hardware.processor import Tracking
from vmfailover.records.events import Kind
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.modification_tracker import MakeRoom
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class FlaggedLines:
    """Finds the modified lines of a VM by image-modification flags and the address log."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        """Track the VM of `hosted`; walks are written to the log of events."""
        self._vm = hosted.vm
        self._processor = hosted.host.processor
        self._log = hosted.vm.log
        self.controller = CacheController(
            context.env,
            self._processor,
            hosted.vm.log,
            hosted.vm,
            lambda: context.event_log.record(Kind.SCAN, hosted.host.name, duration_ns=self._processor.scan_walk_ns),
        )

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

    def read(self) -> npt.NDArray[np.int64]:
        """Return the addresses logged since the last call, int64[n], in order and with repetitions."""
        return self._log.read()

    def outstanding(self) -> npt.NDArray[np.int64]:
        """Return the lines whose flag is set, int64[n]."""
        return self._processor.flagged_lines

    def note_device_write(self, lines: range) -> None:
        """Log lines in software."""
        for line in lines:
            self._log.append(line * self._processor.spec.line)
        self._processor.state.counters[Counter.LOG_SOFTWARE] += len(lines)

    @property
    def needs_room(self) -> bool:
        """Whether so little log is free that the VM must not go on."""
        return self._vm.needs_log

    @property
    def position(self) -> int:
        """Where the log's `next` stands."""
        return self._log.next

    def release(self, position: int) -> None:
        """Move the log's `tail` up to a position."""
        self._log.release(position)


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
