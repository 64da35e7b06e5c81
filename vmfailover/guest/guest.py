"""A VM with its service and its devices, as one thing that can be captured and restored."""

from collections.abc import Callable
from dataclasses import dataclass

from vmfailover.guest.server import Completion, RequestServer
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads import Workload
from vmfailover.hardware.cache.state import Counter

#: Buffers in the ring into which the network device writes requests. Assumed, as in virtio-net.
RECEIVE_BUFFERS = 256


@dataclass(frozen=True, slots=True)
class GuestState:
    """Where a VM stands: enough to run it on from there over the same image."""

    #: Next record of each vCPU's stream.
    positions: tuple[int, ...]
    guest_ns: int
    waiting: tuple[Completion, ...] = ()
    #: Lines that devices have written so far.
    device_writes: int = 0


class ReceiveRing:
    """The lines of guest memory that the network device writes, one buffer a request, in a ring at the top."""

    def __init__(self, memory_lines: int, line_bytes: int, request_bytes: int) -> None:
        """Use at most a quarter of the memory."""
        self._lines = -(-request_bytes // line_bytes)
        self._buffers = max(1, min(RECEIVE_BUFFERS, memory_lines // 4 // max(1, self._lines)))
        self._first = max(0, memory_lines - self._buffers * self._lines)

    def lines(self, write: int) -> range:
        """Return the lines of the buffer that comes after `write` lines written."""
        buffer = write // self._lines % self._buffers if self._lines else 0
        first = self._first + buffer * self._lines
        return range(first, first + self._lines)


def _ignore(completion: Completion) -> None:
    """Take no notice of a request."""


class Guest:
    """Runs a VM, receives requests by DMA, and answers them."""

    def __init__(
        self, vm: VirtualMachine, ring: ReceiveRing, service_ns: int, now: Callable[[], int], *, log_device_writes: bool
    ) -> None:
        """`log_device_writes` says whether the hypervisor logs what devices write, which sets no flag."""
        self.vm = vm
        self._ring = ring
        self._service_ns = service_ns
        self._now = now
        self._log_device_writes = log_device_writes
        self.server = RequestServer(service_ns)
        #: Every line that devices have written, in order.
        self.device_writes: list[int] = []
        #: Called with every request as it is accepted.
        self.on_accept: Callable[[Completion], None] = _ignore
        self._held_back: list[int] = []
        vm.on_resume.append(self._receive_held_back)

    def start(self, workload: Workload, state: GuestState, device_writes: list[int]) -> None:
        """Set the guest to a captured state, stopped."""
        self.server = RequestServer(self._service_ns, state.waiting)
        self.device_writes = device_writes[: state.device_writes]
        self.vm.load(workload, state.positions, state.guest_ns, self._now())

    def capture(self) -> GuestState:
        """Return the state of the guest, which stands still, its answers so far being taken."""
        return GuestState(
            self.vm.positions, self.vm.guest_ns(self._now()), self.server.waiting, len(self.device_writes)
        )

    def receive(self, request: int) -> None:
        """Take a request from the network, or hold it back while the VM stands still or its log has no room."""
        if self.vm.running and self.vm.log.free_entries >= self.vm.request_entries:
            self._write_buffer()
            self.on_accept(self.server.accept(request, self.vm.guest_ns(self._now())))
        else:
            self._held_back.append(request)

    def _receive_held_back(self) -> None:
        requests, self._held_back = self._held_back, []
        for request in requests:
            self.receive(request)

    def _write_buffer(self) -> None:
        processor = self.vm.processor
        for line in self._ring.lines(len(self.device_writes)):
            processor.write_around(line, self.vm.log)
            self.device_writes.append(line)
            if self._log_device_writes:
                self.vm.log.append(line * processor.spec.line)
                processor.state.counters[Counter.LOG_SOFTWARE] += 1
