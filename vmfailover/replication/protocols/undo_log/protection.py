"""Undo logs (ReVive, SafetyNet): the first store to a line in an interval logs what it overwrites.

Memory is updated in place, so recovery rolls it back to the last checkpoint. A checkpoint first writes every dirty line
back to memory. Mirrored, the other host's memory follows the primary's, write-back by write-back, and has the log too;
local, memory and log stay where they are and outlive their host.
"""

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Mode
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.checkpointing import Checkpointing, CheckpointingParts, new_collector
from vmfailover.replication.line_reader import LineReader
from vmfailover.replication.protocols.undo_log import UndoLogSettings
from vmfailover.replication.protocols.undo_log.entries import UndoneLines
from vmfailover.replication.protocols.undo_log.mirror import Mirror, UndoPacking
from vmfailover.replication.protocols.undo_log.pool import InPlace, Pool
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class UndoLog(Checkpointing):
    """Checkpoints that write back all dirty lines, with the means to return to the last one."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """A first store reads the old line and writes it to the log; write-backs are logged."""
        del replication
        copy_fs = 2 * host.line * 10**15 // host.memory.bandwidth
        return Tracking(Mode.FIRST_STORES, first_store_fs=copy_fs, keep_undo=True)

    @property
    def _local(self) -> bool:
        return UndoLogSettings.of(self.context.scenario.replication).undo_log.placement == "local"

    def new_tracker(self, hosted: HostedVm) -> UndoneLines:
        """Return what keeps the undo log of a host's VM."""
        return UndoneLines(self.context, hosted)

    def new_parts(self) -> CheckpointingParts:
        """Return a mirror and what feeds it, or what both hosts reach, from where nothing has to be sent."""
        context, tracker = self.context, self.new_tracker(self.context.primary)
        if self._local:
            return CheckpointingParts(tracker, InPlace(), Pool(context, self.commit_point, tracker.undo))
        packing, mirror = UndoPacking(context, tracker.undo), Mirror(context, self.commit_point)
        reader = LineReader(context.primary.vm.processor, packing, context.recorder)
        return CheckpointingParts(tracker, new_collector(context, reader, mirror.endpoint), mirror)
