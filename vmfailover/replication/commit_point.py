"""The epoch that a secondary can go on from."""

from vmfailover.guest.guest import GuestState
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import Acknowledgement, CommitMarker


class CommitPoint:
    """The state from which the secondary can go on, and the way by which the primary learns of a newer one."""

    def __init__(self, context: ProtectionContext) -> None:
        """Begin with the state before the first epoch of a protection."""
        self._recorder = context.recorder
        self._host = context.secondary.host
        self.state: GuestState = context.start
        self.epoch = len(context.recorder.epochs) - 1
        #: Takes acknowledgements on the primary.
        self.acknowledgements = Endpoint(context.primary.host)

    def move(self, epoch: int, state: GuestState) -> None:
        """Go on from the end of a newer epoch, if need be."""
        self.epoch, self.state = epoch, state

    def commit(self, marker: CommitMarker, lines: int = 0) -> None:
        """Commit an epoch of which so many lines are there, and acknowledge it."""
        self.seal(marker, lines)
        self.acknowledge(marker.epoch)

    def seal(self, marker: CommitMarker, lines: int) -> None:
        """Commit an epoch of which so many lines are there; the primary does not know yet."""
        self.move(marker.epoch, marker.state)
        self._recorder.committed(marker.epoch, lines, self._host.out.spec.latency)

    def acknowledge(self, epoch: int) -> None:
        """Tell the primary that an epoch is committed."""
        self._host.run(self._host.out.send(Acknowledgement(epoch), self.acknowledgements))
