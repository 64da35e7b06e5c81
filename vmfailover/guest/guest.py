"""A VM with its service and its devices, as one thing that can be captured and restored."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.guest.fidelity import GuestWorkload
from vmfailover.guest.server import Completion, RequestServer
from vmfailover.guest.virtual_machine import VirtualMachine, Wait
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.planes import UNCUT, Planes

#: Buffers in the ring into which the network device writes requests. Assumed, as in virtio-net.
RECEIVE_BUFFERS = 256
#: The vCPU that serves requests.
SERVING_VCPU = 0


@dataclass(frozen=True, slots=True)
class GuestState:
    """Where a VM stands: enough to run it on from there over the same image."""

    #: Next record of each vCPU's stream.
    positions: tuple[int, ...]
    guest_ns: int
    waiting: tuple[Completion, ...] = ()
    #: Lines that devices have written so far.
    device_writes: int = 0
    #: Guest time that all requests so far take, those that wait included, nanoseconds.
    accepted_ns: int = 0
    #: The last wait that each vCPU has begun.
    waits: tuple[Wait, ...] = ()
    #: Lines that the guest has stored to for requests so far.
    request_stores: int = 0

    @property
    def owed_ns(self) -> int:
        """Guest time that the requests that wait still take, nanoseconds."""
        return max(0, self.waiting[-1].guest_ns - self.guest_ns) if self.waiting else 0

    @property
    def served_ns(self) -> int:
        """Guest time that has been spent on requests so far, nanoseconds."""
        return self.accepted_ns - self.owed_ns


class Ring(Protocol):
    """Lines of memory that are written for requests, one buffer a request, one after the other."""

    #: Lines of caches in a buffer.
    request_lines: int

    def lines(self, write: int) -> range:
        """Return the lines of the buffer that is filled after `write` lines have been written."""

    def written(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the lines that are written from the `first` one on to the `last` (exclusive), int64[n], in order."""


class ReceiveRing:
    """The lines of guest memory that the network device writes, one buffer a request, in a ring at the top."""

    def __init__(self, memory_lines: int, line_bytes: int, request_bytes: int) -> None:
        """Use at most a quarter of the memory."""
        #: Lines of a buffer.
        self.request_lines = -(-request_bytes // line_bytes)
        self._buffers = max(1, min(RECEIVE_BUFFERS, memory_lines // 4 // max(1, self.request_lines)))
        #: The first of the lines.
        self.first = max(0, memory_lines - self._buffers * self.request_lines)

    def lines(self, write: int) -> range:
        """Return the lines of the buffer that is filled after `write` lines have been written."""
        buffer = write // self.request_lines % self._buffers if self.request_lines else 0
        first = self.first + buffer * self.request_lines
        return range(first, first + self.request_lines)

    def written(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the lines that are written from the `first` one on to the `last` (exclusive), int64[n], in order."""
        writes = np.arange(first, last) % (self._buffers * self.request_lines)
        return self.first + writes


class StoreRing(ReceiveRing):
    """The lines that the guest stores to for its requests, in a ring of the same kind below another one."""

    def __init__(self, above: ReceiveRing, line_bytes: int, request_bytes: int) -> None:
        """Use at most a quarter of the memory below."""
        super().__init__(above.first, line_bytes, request_bytes)


class UnitRing:
    """A ring told by larger lines of memory, of which a buffer is a part, or a few."""

    def __init__(self, ring: ReceiveRing, cache_lines: int) -> None:
        """Tell of the lines of `ring` by lines of memory that are as many of them."""
        self._ring = ring
        self._cache_lines = cache_lines
        self.request_lines = ring.request_lines

    def lines(self, write: int) -> range:
        """Return the lines of memory with the buffer that is filled after `write` lines of caches have been written."""
        buffer = self._ring.lines(write)
        return range(buffer.start // self._cache_lines, -(-buffer.stop // self._cache_lines)) if buffer else buffer

    def written(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the lines of memory that are written from the `first` line of caches on to the `last` (exclusive)."""
        writes = range(first, last, max(1, self.request_lines))
        return np.array([line for write in writes for line in self.lines(write)], np.int64)


def new_rings(memory: Memory, request_bytes: int, stores_bytes: int) -> tuple[Ring, Ring]:
    """Return where requests are received, and where the guest stores for them, one VM having all of the memory."""
    line_bytes = memory.line_bytes // memory.cache_lines
    received = ReceiveRing(memory.versions.size * memory.cache_lines, line_bytes, request_bytes)
    stores = StoreRing(received, line_bytes, stores_bytes)
    if memory.cache_lines == 1:
        return received, stores
    return UnitRing(received, memory.cache_lines), UnitRing(stores, memory.cache_lines)


#: The ring of a guest that stores nothing for its requests.
NO_RING = ReceiveRing(0, 1, 0)


def _ignore_write(lines: range) -> None:
    """Take no notice of what a device writes."""


class Guest:
    """Runs a VM, receives requests by DMA, and answers them.

    One vCPU, the first, serves them, one after the other. A request comes before whatever that vCPU's program does,
    which gets the time that is left: none if there are more requests than the vCPU can serve, whose queue then grows.
    """

    def __init__(
        self,
        vm: VirtualMachine,
        ring: Ring,
        service_ns: int,
        now: Callable[[], int],
        stores: Ring | None = None,
        planes: Planes = UNCUT,
    ) -> None:
        """Give each request `service_ns` of guest time, and that of its stores; `now` tells the simulated time."""
        #: Whom its host reaches.
        self.planes = planes
        self.vm = vm
        self.ring = ring
        #: Where the guest stores to for a request; to no line if none is given.
        self.stores = stores or NO_RING
        self._service_ns = service_ns
        self._now = now
        self.server = RequestServer()
        #: Lines that devices have written so far.
        self.device_writes = 0
        #: Lines that the guest has stored to for requests so far.
        self.request_stores = 0
        #: Called with every request as it is accepted.
        self.on_accept: list[Callable[[Completion], None]] = []
        #: Called with the lines that a device is about to write, which sets no flag.
        self.on_device_write: Callable[[range], None] = _ignore_write
        #: Whether what logs the device's writes can take those of one more request.
        self.has_room: Callable[[], bool] = self._log_has_room
        self._held_back: deque[int] = deque()
        vm.on_resume.append(self.receive_held_back)

    def __repr__(self) -> str:
        """Return what its VM does, and how many requests wait."""
        return f"<Guest: {self.vm!r}, {len(self.server.waiting)} requests wait>"

    def start(self, workload: GuestWorkload, state: GuestState) -> None:
        """Set the guest to a captured state, stopped; requests that it had held back are forgotten."""
        self.server = RequestServer(state.waiting, state.accepted_ns)
        self.device_writes, self.request_stores = state.device_writes, state.request_stores
        self._held_back.clear()
        self.vm.load(workload, state.positions, state.guest_ns, self._now(), state.waits)
        self.vm.occupy(SERVING_VCPU, state.owed_ns, self._now())

    def unprotect(self) -> None:
        """Tell no protocol of requests and writes of devices any more."""
        self.on_accept.clear()
        self.on_device_write = _ignore_write
        self.has_room = self._log_has_room

    def capture(self) -> GuestState:
        """Return the state of the guest, which stands still, its answers so far being taken."""
        server, guest_ns = self.server, self.vm.guest_ns(self._now())
        return GuestState(
            self.vm.positions,
            guest_ns,
            server.waiting,
            self.device_writes,
            server.accepted_ns,
            self.vm.waits,
            self.request_stores,
        )

    @property
    def served_ns(self) -> int:
        """Guest time that the VM has spent on requests by now, wherever it was; the rest is its program's.

        In nanoseconds of the vCPU that serves. What the VM achieves is this and its instructions.
        """
        return self.server.served_ns(self.vm.guest_ns(self._now()))

    def receive(self, request: int) -> None:
        """Take a request from the network, or hold it back while the VM stands still or a log has no room."""
        self._held_back.append(request)
        self.receive_held_back()

    def receive_held_back(self) -> None:
        """Take requests that were held back, as far as the VM runs and there is room."""
        while self._held_back and self.vm.running and self.has_room():
            self._accept(self._held_back.popleft())

    def _log_has_room(self) -> bool:
        return self.vm.log.free_entries >= self.vm.request_entries

    def _accept(self, request: int) -> None:
        self._write_buffer()
        service_ns = round(self._service_ns * self.vm.processor.slowdown) + self._store()
        completion = self.server.accept(request, self.vm.guest_ns(self._now()), service_ns)
        self.vm.occupy(SERVING_VCPU, service_ns, self._now())
        for tell in self.on_accept:
            tell(completion)

    def _store(self) -> int:
        """Make a request's stores; return how long they take, nanoseconds."""
        lines = self.stores.lines(self.request_stores)
        self.request_stores += self.stores.request_lines
        return self.vm.store(SERVING_VCPU, lines) if lines else 0

    def _write_buffer(self) -> None:
        lines = self.ring.lines(self.device_writes)
        self.on_device_write(lines)
        self.vm.processor.write_around(self.vm.image.first + np.arange(lines.start, lines.stop), self.vm.log.logs)
        self.device_writes += self.ring.request_lines
