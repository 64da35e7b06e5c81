"""Live pre-copy (Clark et al., NSDI 2005): a planned evacuation while the VM runs, and the stop at its end.

It protects from failures that are foreseen. One that comes before the end of the evacuation takes the VM with it.
"""

from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.answers import Answers
from vmfailover.guest.guest import GuestState
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.copiers import copy_ns
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.messages import ADDRESS_BYTES, CommitMarker, LineBatch, Message
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.protection import Protection, Steps
from vmfailover.replication.protocols.page_write_protect import faults
from vmfailover.replication.sender import Sender
from vmfailover.replication.site import Site
from vmfailover.replication.tracker import lines_of
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication

Units = npt.NDArray[np.int64]


class LivePrecopy(Protection):
    """Copies all memory, again and again what has been modified meanwhile, and the rest with the VM stopped.

    Each round is an epoch, and only the last is ever committed.
    """

    promises: ClassVar[tuple[str, ...]] = ("image", "one_active_vm", "dirty_lines_balance", "program")

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """During the evacuation, the first store to a page in a round faults."""
        return faults(replication, host)

    def __init__(self, site: Site) -> None:
        """Prepare to evacuate the primary."""
        super().__init__(site)
        self._spec = site.scenario.replication.precopy
        self._tracker = FirstStores(site, site.primary, lambda _: 0)
        self._packing = UnitPacking(site)
        self._sender = Sender(site.env, site.primary.host.out, self._arrive)
        self._evacuated = False
        self._left = 0
        self._lines = 0

    def start(self) -> None:
        """Run the VM unobserved, and evacuate it when the time has come."""
        site, node = self.site, self.site.primary
        node.guest.start(site.workload, site.start)
        self._observe(False)
        Answers(self.env, node.host, node.guest, site.release).start()
        node.host.run(self._sender.run())
        node.host.run(self._evacuate())
        node.vm.resume(int(self.env.now))

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Give the VM up: its memory is on the secondary only in part."""
        return None
        yield

    def settle(self) -> bool:
        """An image that is not complete is none."""
        return self._evacuated

    @property
    def needs_takeover(self) -> bool:
        """Whether the VM is still on the primary."""
        return not self._evacuated

    @property
    def lines_received(self) -> int:
        """Lines that have arrived, with repetitions."""
        return self._lines

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the evacuation went."""
        if not self.epochs:
            return ("the run ended before the evacuation began",)
        rounds = f"{len(self.epochs)} round{'s' * (len(self.epochs) > 1)}"
        if not self._evacuated:
            return (f"the evacuation was not complete, after {rounds}, when the primary failed or the run ended",)
        why = (
            ""
            if self._left <= self._spec.least
            else ": it did not converge, memory was modified as fast as it was sent"
        )
        return (f"{rounds}, {self._left} pages left for the last, with the VM stopped{why}",)

    # On the primary.

    def _evacuate(self) -> Steps:
        scenario = self.site.scenario
        planned = [failure.at for failure in scenario.failures if failure.at is not None]
        yield self.env.timeout(max(0, min(planned, default=scenario.duration) - self._spec.lead))
        self._observe(True)
        processor = self.site.primary.host.processor
        processor.begin_interval()
        units, sent_lines = self._written_units(), 0
        empty_pages = processor.memory.versions.size // self.site.unit_lines - units.size
        yield self._send(units, empty_pages * ADDRESS_BYTES)
        sent_lines += units.size * self.site.unit_lines
        while self._goes_on(processor.noted_units.size, sent_lines):
            units = processor.noted_units
            processor.begin_interval()
            yield self._send(units)
            sent_lines += units.size * self.site.unit_lines
        yield from self._switch_over()

    def _goes_on(self, units: int, sent_lines: int) -> bool:
        """Whether another round is worth it, so many units having been modified in the last."""
        enough = self._spec.most * self.site.primary.host.memory.versions.size
        return units > self._spec.least and len(self.epochs) < self._spec.rounds - 1 and sent_lines < enough

    def _switch_over(self) -> Steps:
        site, hypervisor, guest = self.site, self.site.scenario.hypervisor, self.site.primary.guest
        now = int(self.env.now)
        guest.vm.pause(now)
        site.journal.record("switchover", site.primary.host.name)
        yield self.env.timeout(hypervisor.quiesce + hypervisor.vcpu_capture * guest.vm.processor.cores)
        units = guest.vm.processor.noted_units
        self._left = units.size
        yield self.env.timeout(copy_ns(guest.vm.processor, units.size * site.unit_lines, 0))
        self._send(units)
        epoch = self.epochs[-1]
        epoch.paused_ns, epoch.captured_ns, epoch.state = now, int(self.env.now), guest.capture()
        state_bytes = hypervisor.vcpu_state * guest.vm.processor.cores
        self._sender.put(CommitMarker(epoch.number, epoch.lines, epoch.state, state_bytes))

    def _send(self, units: Units, further_bytes: int = 0) -> simpy.Event:
        """Send units as they stand now, as an epoch of its own; the answer happens when the last has left."""
        site, processor = self.site, self.site.primary.host.processor
        epoch = Epoch(len(self.epochs), int(self.env.now))
        self.epochs.append(epoch)
        site.journal.record("epoch", site.primary.host.name, epoch=epoch.number)
        lines = lines_of(units, site.unit_lines, processor.memory.versions.size)
        versions, _ = processor.fetch(lines)
        nothing = lines[:0]
        batches = self._packing.pack(epoch.number, lines, versions)
        batches.append(LineBatch(epoch.number, nothing, versions[:0], further_bytes, final=True))
        epoch.lines, epoch.shipped_bytes = lines.size, sum(batch.content_bytes for batch in batches)
        duration_ns = self._sender.transmission_ns(batches)
        site.journal.record(
            "transfer", site.primary.host.name, epoch=epoch.number, duration_ns=duration_ns, count=lines.size
        )
        for batch in batches:
            left = self._sender.put(batch)
        return left

    def _written_units(self) -> Units:
        """Return the units that have ever been written, int64[n]; the others are pages of zeros."""
        processor = self.site.primary.host.processor
        lines = np.arange(processor.memory.versions.size)
        versions, _ = processor.fetch(lines)
        return np.unique(np.flatnonzero(versions) // self.site.unit_lines)

    def _observe(self, on: bool) -> None:
        for core in range(self.site.primary.vm.processor.cores):
            self.site.primary.vm.processor.set_first_mode(core, on)
        if on:
            self.note_device_writes(self.site.primary, self._tracker)

    # On the secondary.

    def _arrive(self, message: Message) -> None:
        """Write lines into the image as they come; with the marker the VM is here."""
        if isinstance(message, LineBatch):
            self._lines += message.lines.size
            self.site.secondary.host.memory.apply(message.lines, message.versions)
        elif isinstance(message, CommitMarker):
            self._evacuated = True
            self.committed, self.committed_epoch = message.state, message.epoch
            host = self.site.secondary.host
            self.site.journal.record("commit", host.name, epoch=message.epoch, count=message.lines)
            self.site.journal.record("apply", host.name, epoch=message.epoch, count=message.lines)
            host.run(self._arrived(message.state))

    def _arrived(self, state: GuestState) -> Steps:
        yield from self.hand_over(state)
        self.epochs[-1].resumed_ns = int(self.env.now)
