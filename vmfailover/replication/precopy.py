"""Pre-copy (Clark et al., NSDI 2005): all memory of a running VM, round by round, and the rest with the VM stopped."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.processor import Held
from vmfailover.replication.collectors import copy_ns
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.messages import CommitMarker, LineBatch, WrittenPages
from vmfailover.replication.modification_tracker import lines_of
from vmfailover.replication.packing import UnitPacking
from vmfailover.replication.sender import Sender
from vmfailover.scenario.sizes import PAGE_BYTES

Units = npt.NDArray[np.int64]
Pages = npt.NDArray[np.int64]
#: Finds the units modified since it was last called, which may stop the VM, and begins to look anew.
Find = Callable[[], Generator[simpy.Event, Any, Units]]


class Precopy:
    """Copies the memory of the primary's VM to the secondary.

    Each round is an epoch, of which only the last, with the VM's state, is ever committed. A page of zeros is sent as
    its address. Reading memory for a round does not slow the VM down.
    """

    def __init__(self, context: ProtectionContext, find: Find, arrived: Callable[[CommitMarker], None]) -> None:
        """Copy to the secondary, where `arrived` is called on the secondary once everything is there."""
        self.env = context.env
        self._context = context
        self._spec = context.scenario.replication.precopy
        self._unit_lines = context.unit_lines
        self._page_lines = max(context.unit_lines, PAGE_BYTES // context.line_bytes)
        self._find = find
        self._packing = UnitPacking(context)
        self._sender = Sender(context.env, context.primary.host.out, self._new_endpoint())
        self._arrived = arrived
        self._first_epoch = len(context.recorder.epochs)
        self._sending: simpy.Process | None = None
        #: Units that were left for the last round, with the VM stopped.
        self.left = 0
        #: Lines that have arrived, with repetitions.
        self.lines_received = 0

    @property
    def rounds(self) -> int:
        """Rounds begun so far."""
        return len(self._context.recorder.epochs) - self._first_epoch

    @property
    def converged(self) -> bool:
        """Whether what was left for the last round was as little as had been asked for."""
        return self._few(self.left)

    @property
    def stops(self) -> bool:
        """Whether the VM is to be stopped for what `run` has returned."""
        return True

    def run(self, go_on: Callable[[], None]) -> Generator[simpy.Event, Any, Units]:
        """Copy until a further round is not worth it; return the units still to be copied.

        `go_on` is called when another round follows what `find` has found.
        """
        units = yield from self._begin(go_on)
        sent_lines = units.size * self._unit_lines
        yield self.send(units, int(self.env.now))
        while self.goes_on((units := (yield from self._find())).size, sent_lines):
            go_on()
            sent_lines += units.size * self._unit_lines
            yield self.send(units, int(self.env.now))
        return units

    def _begin(self, go_on: Callable[[], None]) -> Generator[simpy.Event, Any, Units]:
        """Begin to send, with what is a page of zeros; return the units of all other pages."""
        self._sending = self._context.primary.host.run(self._sender.run())
        yield from self._find()
        pages = self.written_pages()
        go_on()
        self._clear_all_but(pages)
        return lines_of(pages, self._page_lines // self._unit_lines, self._units)

    def goes_on(self, units: int, sent_lines: int) -> bool:
        """Whether another round is worth it, so many units having been modified in the last."""
        enough = self._spec.most * self._context.primary.vm.image.lines
        return not self._few(units) and self.rounds < self._spec.rounds - 1 and sent_lines < enough

    def _few(self, units: int) -> bool:
        """Whether so many units are no more than the pages for which the VM may be stopped."""
        return units * self._unit_lines <= self._spec.least * self._page_lines

    def finish(self, units: Units) -> Generator[simpy.Event, Any, Epoch]:
        """Copy the rest of a VM that stands still, and its state; return the last epoch once that is on its way."""
        hypervisor, guest = self._context.scenario.hypervisor, self._context.primary.guest
        stopped_ns = int(self.env.now)
        yield self.env.timeout(hypervisor.quiesce + hypervisor.vcpu_capture * guest.vm.vcpus)
        self.left = units.size
        yield self.env.timeout(self._before_sending_ns(units))
        self.send(units, stopped_ns)
        epoch, state = self._context.recorder.epochs[-1], guest.capture()
        self._context.recorder.stopped(epoch, stopped_ns, state)
        state_bytes = hypervisor.vcpu_state * guest.vm.vcpus
        self._sender.put(CommitMarker(epoch.number, epoch.lines, state, state_bytes))
        return epoch

    def _before_sending_ns(self, units: Units) -> int:
        """Return how long the rest takes to be copied before it is sent, nanoseconds."""
        return copy_ns(self._context.primary.vm.processor, units.size * self._unit_lines, Held(0, 0))

    def abandon(self) -> None:
        """Send nothing more of what waits to leave: nobody is there any more to take it."""
        if self._sending is not None and self._sending.is_alive:
            self._sending.interrupt()

    def send(self, units: Units, began_ns: int) -> simpy.Event:
        """Send units as they stand now, as an epoch that began then; the answer happens when the last has left."""
        epoch = self._context.recorder.began(began_ns, whole_memory=True)
        batches = self._batches(epoch, units)
        batches.append(LineBatch(epoch.number, units[:0], np.zeros(0, np.uint32), 0, final=True))
        self._context.recorder.shipped(epoch, self._sender.transmission_ns(batches))
        return self._put(batches)

    def _batches(self, epoch: Epoch, units: Units) -> list[LineBatch]:
        """Return the messages with units as they stand now, and count them to an epoch."""
        lines = lines_of(units, self._unit_lines, self._context.primary.vm.image.lines)
        versions, _ = self._context.primary.host.processor.fetch(lines)
        batches = self._packing.pack(epoch.number, lines, versions)
        epoch.lines += lines.size
        epoch.shipped_bytes += sum(batch.content_bytes for batch in batches)
        return batches

    def _put(self, batches: Sequence[LineBatch]) -> simpy.Event:
        """Send messages, one at least; the answer happens when the last has left."""
        for batch in batches:
            left = self._sender.put(batch)
        return left

    def written_pages(self) -> Pages:
        """Return the pages in use, and those that have ever been written, int64[n]; the others are pages of zeros."""
        written = self._context.primary.host.processor.written_units(self._page_lines)
        in_use = self._context.scenario.vm.in_use
        if in_use is None:
            return written
        first = -(-in_use // (self._page_lines * self._context.line_bytes))
        return np.concatenate([np.arange(first), written[np.searchsorted(written, first) :]])

    def _clear_all_but(self, pages: Pages) -> None:
        """Let the secondary clear all other pages, whatever they hold there."""
        all_pages = -(-self._context.primary.vm.image.lines // self._page_lines)
        self._sender.put(WrittenPages(pages, self._page_lines, all_pages - pages.size))

    @property
    def _units(self) -> int:
        """Units of the VM's memory."""
        return -(-self._context.primary.vm.image.lines // self._unit_lines)

    # On the secondary.

    def _new_endpoint(self) -> Endpoint:
        endpoint = Endpoint(self._context.secondary.host)
        endpoint.on(WrittenPages, self._clear)
        endpoint.on(LineBatch, self._write)
        endpoint.on(CommitMarker, self._complete)
        return endpoint

    def _clear(self, message: WrittenPages) -> None:
        self._context.secondary.host.memory.clear_all_but(message.pages, message.page_lines)

    def _write(self, batch: LineBatch) -> None:
        """Write lines into the image as they come."""
        self.lines_received += batch.lines.size
        self._context.secondary.host.memory.apply(batch.lines, batch.versions)

    def _complete(self, marker: CommitMarker) -> None:
        """Take note that all of it is here."""
        self._context.recorder.committed(marker.epoch, marker.lines)
        self._context.recorder.applied(marker.epoch, marker.lines)
        self._arrived(marker)
