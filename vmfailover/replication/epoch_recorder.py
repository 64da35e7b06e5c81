"""The life of an epoch, written down step by step: each in the epoch's record and in the log of events at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vmfailover.engine.event_log import EventLog
from vmfailover.guest.guest import GuestState
from vmfailover.guest.server import Completion
from vmfailover.records.events import Kind
from vmfailover.replication.epoch import Epoch


class EpochRecorder:
    """Records the epochs of a VM that one host protects for another; every step is recorded as it happens.

    Steps of the first host are told with their epoch. The second host knows an epoch by its number alone.
    """

    def __init__(self, event_log: EventLog, epochs: list[Epoch], primary: str, secondary: str) -> None:
        """Add to `epochs`, those of the VM so far, whoever protected it; `primary` and `secondary` are hosts."""
        self._event_log = event_log
        self._primary = primary
        self._secondary = secondary
        #: All epochs of the VM, by their numbers.
        self.epochs = epochs

    # On the first host.

    def began(self, started_ns: int, *, whole_memory: bool = False) -> Epoch:
        """Return a new epoch, which goes back to `started_ns`."""
        epoch = Epoch(len(self.epochs), started_ns, whole_memory=whole_memory)
        self.epochs.append(epoch)
        self._record(Kind.EPOCH, epoch)
        return epoch

    def paused(self, epoch: Epoch, quiesce_ns: int) -> None:
        """The VM is stopped, and takes so long to stand still."""
        epoch.paused_ns = self._event_log.now_ns
        self._record(Kind.PAUSE, epoch, quiesce_ns)

    def quiesced(self, epoch: Epoch) -> None:
        """The VM stands still."""
        assert epoch.paused_ns is not None
        epoch.quiesce_ns = self._since(epoch.paused_ns)

    @contextmanager
    def scanned(self, epoch: Epoch) -> Iterator[None]:
        """Record how long it takes to find what is modified, the VM standing still."""
        began_ns = self._event_log.now_ns
        yield
        epoch.scan_ns = self._since(began_ns)

    def final_scan(self, epoch: Epoch, walk_ns: int) -> None:
        """What is modified begins to be found, in so long at least."""
        self._record(Kind.FINAL_SCAN, epoch, walk_ns)

    def captured(self, epoch: Epoch, state: GuestState, outputs: Sequence[Completion], capture_ns: int) -> None:
        """The VM stands in this state, which takes so long to save; these outputs wait for its commit."""
        epoch.captured_ns, epoch.capture_ns = self._event_log.now_ns, capture_ns
        epoch.state, epoch.outputs = state, list(outputs)
        self._record(Kind.CAPTURE, epoch, capture_ns)

    @contextmanager
    def harvested(self, epoch: Epoch, lines: int, least_ns: int) -> Iterator[None]:
        """Record how long it takes to copy lines, at least `least_ns`, the VM standing still."""
        began_ns, epoch.residue = self._event_log.now_ns, lines
        self._record(Kind.HARVEST, epoch, least_ns, lines)
        yield
        epoch.harvest_ns = self._since(began_ns)

    def resumed(self, epoch: Epoch) -> None:
        """The VM runs again."""
        epoch.resumed_ns = self._event_log.now_ns
        self._record(Kind.RESUME, epoch)

    def sealed(self, epoch: Epoch, state: GuestState, outputs: Sequence[Completion]) -> None:
        """The epoch has ended in this state, for which the VM was not stopped."""
        epoch.paused_ns = epoch.captured_ns = epoch.resumed_ns = self._event_log.now_ns
        epoch.state, epoch.outputs = state, list(outputs)

    def stopped(self, epoch: Epoch, since_ns: int, state: GuestState) -> None:
        """The VM stands still since an instant and until it runs on another host, and has been captured now."""
        epoch.paused_ns, epoch.captured_ns, epoch.state = since_ns, self._event_log.now_ns, state

    def shipped(self, epoch: Epoch, duration_ns: int) -> None:
        """The last lines begin to leave, which takes so long."""
        self._record(Kind.TRANSFER, epoch, duration_ns, epoch.lines)

    def lines_sent(self, epoch: Epoch, marker_ns: int = 0) -> None:
        """The last lines have left, and the commit marker follows, which takes so long."""
        self._record(Kind.LINES_SENT, epoch, marker_ns)

    def sent(self, epoch: Epoch) -> None:
        """The last bit has left."""
        epoch.sent_ns = self._event_log.now_ns

    def acknowledged(self, epoch: Epoch) -> None:
        """The first host knows that the epoch is committed."""
        epoch.acknowledged_ns = self._event_log.now_ns
        self._record(Kind.ACKNOWLEDGE, epoch)

    def synchronised(self, epoch: Epoch) -> None:
        """The first host knows that the second has all of the VM, which stands still and is to be protected now."""
        epoch.acknowledged_ns = epoch.resumed_ns = self._event_log.now_ns

    def copied_early(self, epoch: Epoch, lines: int, duration_ns: int) -> None:
        """The VM's core copies lines between two checkpoints, the VM standing still."""
        epoch.early_copy_ns += duration_ns
        self._record(Kind.EARLY_COPY, epoch, duration_ns, lines)

    def log_limit(self, epoch: Epoch) -> None:
        """The address log is full up to its guard band."""
        self._record(Kind.LOG_LIMIT, epoch)

    def _record(self, kind: Kind, epoch: Epoch, duration_ns: int = 0, count: int = 0) -> None:
        self._event_log.record(kind, self._primary, epoch=epoch.number, duration_ns=duration_ns, count=count)

    def _since(self, began_ns: int) -> int:
        return self._event_log.now_ns - began_ns

    # On the second host.

    def adopted(self, state: GuestState) -> Epoch:
        """Return an epoch that nothing was shipped for: the second host goes on from the state in which it is."""
        epoch = Epoch(len(self.epochs), self._event_log.now_ns, state=state)
        self.epochs.append(epoch)
        return epoch

    def staged(self, number: int) -> None:
        """The last lines of an epoch have arrived."""
        self._event_log.record(Kind.STAGED, self._secondary, epoch=number)

    def committed(self, number: int, lines: int = 0, latency_ns: int = 0) -> None:
        """The second host can go on from the end of an epoch of so many lines; the first learns it after a while."""
        self._event_log.record(Kind.COMMIT, self._secondary, epoch=number, duration_ns=latency_ns, count=lines)

    def applied(self, number: int, lines: int = 0) -> None:
        """The image is at the end of an epoch of so many lines."""
        self._event_log.record(Kind.APPLY, self._secondary, epoch=number, count=lines)

    def resumed_there(self, epoch: Epoch) -> None:
        """The VM runs on the second host."""
        epoch.resumed_ns = self._event_log.now_ns
