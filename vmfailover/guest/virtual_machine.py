"""A virtual machine in execution on one host."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vmfailover.guest.access_buffer import AccessBuffer
from vmfailover.guest.fidelity import GuestWorkload, new_buffer
from vmfailover.guest.placement import Placement
from vmfailover.guest.visit_buffer import VisitBuffer
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.state import Cost, Counter, Why
from vmfailover.hardware.memory import MemoryRange
from vmfailover.hardware.processor import FS_PER_NS, HALTED, Processor
from vmfailover.traces.accesses import AccessChunk


@dataclass(frozen=True, slots=True)
class Reached:
    """How far `VirtualMachine.advance_to` came."""

    time_ns: int
    #: The log's limit stopped it, not the horizon or the quantum.
    needs_log: bool = False


class Wait(NamedTuple):
    """A record of a vCPU's stream that does not begin before a guest time."""

    record: int
    until_ns: int


class VirtualMachine:
    """Executes a workload on cores of a host; simulated time is its guest time plus all time it did not run.

    Its state is exact at every instant the simulation looks at it: all accesses that began before are done, no other.
    An access that began before and ends after has been done; the rest of its time is spent before the next one.
    """

    def __init__(
        self, processor: Processor, log: AddressLog, request_entries: int, placement: Placement | None = None
    ) -> None:
        """Prepare to run on a host with `processor`, logging to `log`; without a placement the host is all its own.

        The VM stops for `on_log_limit` when fewer entries are free than the guard band and `request_entries`, which
        a request from the network may take.
        """
        self.processor = processor
        self.placement = placement or Placement.alone_on(processor)
        processor.assign(self.placement.cores, self.placement.number)
        self.log = log
        #: Called when the VM is about to use the last of the log space it may.
        self.on_log_limit: Callable[[], None] = lambda: None
        #: Called whenever the VM begins to run.
        self.on_resume: list[Callable[[], None]] = []
        #: Called whenever the VM stands still.
        self.on_pause: list[Callable[[], None]] = []
        #: (from, to) of every span in which the VM has run, nanoseconds.
        self.spans: list[tuple[int, int]] = []
        self._pauses = 1
        #: Time lost because another thread used the memory's bandwidth, summed over the cores.
        self.contention_ns = 0
        self.request_entries = request_entries
        self._since_ns = 0
        self._stopped_at_ns = 0
        self._buffer: AccessBuffer | VisitBuffer | None = None
        self._waits: list[Wait] = []

    def __repr__(self) -> str:
        """Return whether it runs, and where its vCPUs are."""
        state = "runs" if self.running else "stands still"
        return f"<VirtualMachine {self.placement.number} on cores {', '.join(map(str, self.cores))}: {state}>"

    def load(
        self, workload: GuestWorkload, positions: Sequence[int], guest_ns: int, now_ns: int, waits: Sequence[Wait] = ()
    ) -> None:
        """Set the vCPUs to records of their streams at a guest time, stopped, in the first operating mode.

        `waits` are those that had begun by then.
        """
        self._waits = list(waits or [Wait(-1, 0)] * self.vcpus)
        self._buffer = new_buffer(workload, positions, self.placement, self.processor)
        self._stopped_at_ns = now_ns
        self.processor.start(self.cores, now_ns, guest_ns)
        self.set_first_mode(True)

    @property
    def cores(self) -> tuple[int, ...]:
        """The core of the host that is each vCPU's."""
        return self.placement.cores

    @property
    def image(self) -> MemoryRange:
        """The host's memory that holds the VM's image."""
        return self.placement.image

    @property
    def vcpus(self) -> int:
        """Number of vCPUs."""
        return len(self.cores)

    def read_image(self) -> npt.NDArray[np.uint32]:
        """Return the newest version of every line of the VM's image, uint32[lines]."""
        return self.processor.image()[self.image.first : self.image.end]

    def set_first_mode(self, first: bool) -> None:
        """Put the VM into the first operating mode (its stores are noted) or the second (they are not)."""
        for core in self.cores:
            self.processor.set_first_mode(core, first)

    def occupy(self, vcpu: int, duration_ns: int, now_ns: int) -> None:
        """Let a vCPU spend guest time on something else than its stream of accesses, before the next one of these.

        One that idles now does so in its idle time.
        """
        self.processor.occupy(self.cores[vcpu], duration_ns, now_ns)

    def store(self, vcpu: int, lines: range) -> int:
        """Let a vCPU store to lines of the image, once to each, beside its stream of accesses.

        Returns how long that takes, nanoseconds, which is still to be spent. The log has room for all that it logs.
        """
        if self.processor.tracking.logs:
            self.log.set_limit()
        first = self.image.first
        return self.processor.store(self.cores[vcpu], range(first + lines.start, first + lines.stop), self.log.logs)

    def resume(self, now_ns: int) -> None:
        """Take back one `pause`, or the first time start; the VM runs when none is left."""
        self._pauses -= 1
        if self.running:
            self.processor.stand_still(self.cores, now_ns - self._stopped_at_ns)
            self._since_ns = now_ns
            for tell in self.on_resume:
                tell()

    def pause(self, now_ns: int) -> None:
        """Stop now, until `resume` has been called as often as `pause`."""
        if self.running:
            self._stopped_at_ns = now_ns
            self.spans.append((self._since_ns, now_ns))
            for tell in self.on_pause:
                tell()
        self._pauses += 1

    def hold(self, now_ns: int) -> None:
        """Stop now, until `resume` has been called once, whatever had stopped it before."""
        if self.running:
            self.pause(now_ns)
        self._pauses = 1

    @property
    def running(self) -> bool:
        """Whether the VM executes."""
        return self._pauses == 0

    @property
    def _origin_ns(self) -> int:
        """The instant at which guest time was 0, had the VM run ever since."""
        return int(self.processor.offset[self.cores[0]]) // FS_PER_NS

    def guest_ns(self, now_ns: int) -> int:
        """Return the time the VM has executed, as far as it is at `now_ns`."""
        return (now_ns if self.running else self._stopped_at_ns) - self._origin_ns

    def instant(self, guest_ns: int) -> int:
        """Return when the VM reaches a guest time if nothing holds it up."""
        return guest_ns + self._origin_ns

    @property
    def positions(self) -> tuple[int, ...]:
        """The next record of each vCPU's stream."""
        assert self._buffer is not None
        return tuple(self._buffer.position(vcpu) for vcpu in range(self.vcpus))

    def late_ns(self, now_ns: int) -> int:
        """Return the guest time since the tick began whose accesses are still to be executed, of the latest vCPU."""
        assert self._buffer is not None
        return self.guest_ns(now_ns) - min(map(self._buffer.tick_ns, range(self.vcpus)))

    @property
    def waits(self) -> tuple[Wait, ...]:
        """The last wait that each vCPU has begun."""
        return tuple(self._waits)

    @property
    def instructions(self) -> int:
        """Instructions executed by all vCPUs on this host."""
        return self.processor.instructions(self.cores)

    @property
    def accesses(self) -> int:
        """Memory accesses executed on this host."""
        return self.processor.count(Counter.ACCESSES)

    @property
    def _reserve(self) -> int:
        return self.log.guard_band + self.request_entries

    @property
    def needs_log(self) -> bool:
        """Whether the log may not have room for the next access, which logs at most one address from each core."""
        return self.log.free_entries < self._reserve + self.vcpus

    @property
    def log_lasts_ns(self) -> int:
        """Time for which its accesses cannot need more log than there is, whatever they are."""
        if not self.processor.tracking.logs:
            return HALTED
        return self.processor.logging_ns(self.log.free_entries - self._reserve)

    def advance_to(self, horizon_ns: int, quantum: int) -> Reached:
        """Execute until a simulated instant, the log's limit, or `quantum` records, whichever comes first."""
        assert self._buffer is not None
        buffer = self._buffer
        deadline = horizon_ns * FS_PER_NS
        if self.processor.tracking.logs:
            self.log.set_limit(self._reserve)
        while True:
            stop = buffer.advance(deadline, quantum, self.log.logs)
            if stop.why == Why.DEADLINE:
                return Reached(horizon_ns)
            if stop.why != Why.EXHAUSTED:
                needs_log = stop.why == Why.LOG_LIMIT
                return Reached(min(self._instant_of(stop.core, up=needs_log), horizon_ns), needs_log)
            self._refill(int(stop.core), horizon_ns)

    def _instant_of(self, core: int, *, up: bool) -> int:
        """Return the time of a core's clock in whole nanoseconds, rounded up or down."""
        clock = int(self.processor.state.clock[core])
        return -(-clock // FS_PER_NS) if up else clock // FS_PER_NS

    @contextmanager
    def contended(self, factor: float) -> Iterator[None]:
        """Make fetches from memory take longer by a factor, and keep account of it."""
        cost = int(self.processor.state.costs[self.cores[0], Cost.MEMORY])
        fetches = self._memory_fetches
        self.processor.set_memory_factor(factor)
        try:
            yield
        finally:
            self.processor.set_memory_factor(1.0)
            lost_fs = (self._memory_fetches - fetches) * cost * (factor - 1)
            self.contention_ns += round(lost_fs / FS_PER_NS)
            self.processor.fall_behind(self.cores, round(lost_fs))

    @property
    def _memory_fetches(self) -> int:
        count = self.processor.count
        return count(Counter.L2_MISSES) - count(Counter.L3_HITS) - count(Counter.TRANSFERS)

    def _refill(self, core: int, horizon_ns: int) -> None:
        """Bring a core's next accesses, unless it idles up to the horizon first."""
        assert isinstance(self._buffer, AccessBuffer)
        vcpu = self.cores.index(core)
        due_ns = self._buffer.due_ns(vcpu)
        self.processor.wait(core, min(due_ns, horizon_ns))
        if due_ns >= horizon_ns:
            return
        chunk = self._buffer.refill(vcpu)
        if chunk is None:
            self.processor.halt(core)
        else:
            self.processor.set_parallelism(core, chunk.parallelism)
            self.processor.idle(core, self._begins_ns(core, chunk))

    def _begins_ns(self, core: int, chunk: AccessChunk) -> int:
        """Return the guest time before which a core does not begin a chunk; a wait once begun is gone on with."""
        vcpu = self.cores.index(core)
        if self._waits[vcpu].record != chunk.first:
            guest_ns = int(self.processor.state.clock[core] - self.processor.offset[core]) // FS_PER_NS
            begins_ns = max(chunk.not_before_ns, guest_ns + chunk.idle_ns)
            self._waits[vcpu] = Wait(chunk.first, begins_ns)
            if guest_ns + chunk.idle_ns < begins_ns:
                self.processor.make_up(core)
        return self._waits[vcpu].until_ns
