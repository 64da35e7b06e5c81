"""Who copies modified lines: the VM's core, a helper thread of the host, or the other host (US 9047221)."""

from collections.abc import Callable, Generator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.hardware.processor import FS_PER_NS, Held, Processor
from vmfailover.replication.messages import LineBatch, PullRequest, UndoBatch

Copying = Generator[simpy.Event, Any, list[LineBatch]]
#: Makes the batches of some lines as they stand now; says too how many of the lines caches held.
Read = Callable[[npt.NDArray[np.int64]], tuple[list[LineBatch], Held]]
#: Told of lines that the VM's core begins to copy between two checkpoints, and how long that takes in nanoseconds.
NoteEarlyCopy = Callable[[int, int], None]


class LineCollector(Protocol):
    """Copies lines coherently; what it returns is still to be sent."""

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Copy lines (int64[n]) as they stand now, after `before_ns` of other work that needs the copier.

        `vm_stopped` says that a checkpoint has stopped the VM anyway.
        """


def copy_ns(processor: Processor, lines: int, held: Held) -> int:
    """Return the time that the first core takes to fetch lines of memory and store them in a send buffer.

    `held` counts lines of the caches. One from its own L2 takes that cache's latency. One from another core's L2, or
    from memory, takes the time of such a fetch divided by the memory's parallelism. None takes less than reading and
    writing it at the memory's bandwidth.
    """
    spec = processor.spec
    bandwidth_fs = 2 * spec.line * 10**15 // spec.memory.bandwidth
    l2_fs = processor.cycles_fs(spec.l2.latency)
    other_fs, memory_fs = (
        round(latency * FS_PER_NS / spec.memory.parallelism) for latency in (spec.core_to_core, spec.memory.latency)
    )
    in_memory = lines * processor.memory.cache_lines - held.lines
    each_fs = (held.first, l2_fs), (held.others, other_fs), (in_memory, memory_fs)
    return -(-sum(number * max(fs, bandwidth_fs) for number, fs in each_fs) // FS_PER_NS)


def slower(processor: Processor, moved_bytes: float, duration_ns: int) -> float:
    """Return by which factor fetches from memory take longer while so many bytes are moved to and from it in a time.

    At most 90 % of the memory's bandwidth is taken from others.
    """
    share = moved_bytes * 10**9 / max(1, duration_ns) / processor.spec.memory.bandwidth
    return 1 / (1 - min(0.9, share))


class VmCore:
    """The first core that runs the VM copies, and so the VM stands still (US 9047221 claim 2)."""

    def __init__(self, env: simpy.Environment, vm: VirtualMachine, read: Read, note: NoteEarlyCopy) -> None:
        """Copy for `vm`."""
        self.env = env
        self._vm = vm
        self._read = read
        self._note = note

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Copy with the VM stopped."""
        if not vm_stopped:
            self._vm.pause(int(self.env.now))
        batches, held = self._read(lines)
        duration = before_ns + copy_ns(self._vm.processor, lines.size, held)
        if not vm_stopped:
            self._note(lines.size, duration)
        yield self.env.timeout(duration)
        if not vm_stopped:
            self._vm.resume(int(self.env.now))
        return batches


class HelperThread:
    """A thread on a core of its own copies; while the VM runs beside it, both share the memory's bandwidth.

    What an L2 of the VM holds passes from core to core, and its copy stays in the thread's cache until the network card
    has taken it (assumed); only lines from memory take of its bandwidth.
    """

    def __init__(self, env: simpy.Environment, vm: VirtualMachine, read: Read) -> None:
        """Copy for `vm`."""
        self.env = env
        self._vm = vm
        self._read = read

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Copy beside the VM, whose memory accesses take longer meanwhile."""
        batches, held = self._read(lines)
        duration = copy_ns(self._vm.processor, lines.size, Held(0, held.lines))
        yield self.env.timeout(before_ns)
        processor = self._vm.processor
        from_memory = 0 if vm_stopped else lines.size * processor.memory.cache_lines - held.lines
        moved_bytes = 2 * from_memory * processor.spec.line
        with self._vm.contended(slower(self._vm.processor, moved_bytes, duration)):
            yield self.env.timeout(duration)
        return batches


class RemotePull:
    """The other host pulls: a request and an answer over the link for every batch, which arrives staged.

    A thread of the other host asks; the network card of this one answers, and reads from memory what no L2 holds.
    """

    def __init__(
        self,
        env: simpy.Environment,
        vm: VirtualMachine,
        read: Read,
        here: Host,
        there: Host,
        staging: Endpoint,
        message_ns: int,
    ) -> None:
        """Pull from `here` to `there`, where every batch goes to `staging` as it arrives.

        Each request takes `message_ns` to send.
        """
        self.env = env
        self._vm = vm
        self._read = read
        self._here = here
        self._there = there
        self._staging = staging
        self._message_ns = message_ns
        self._asked = self._arrived = env.event()
        self._requests, self._answers = Endpoint(here), Endpoint(there)
        self._requests.on(PullRequest, self._answer)
        self._answers.on(LineBatch, self._take)
        self._answers.on(UndoBatch, self._take)

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Pull batch after batch, waiting for each; nothing is left to be sent."""
        batches, held = self._read(lines)
        yield self.env.timeout(before_ns)
        cache_lines = lines.size * self._vm.processor.memory.cache_lines
        in_memory = 0.0 if vm_stopped else 1 - held.lines / max(1, cache_lines)
        for batch in batches:
            yield self.env.timeout(self._message_ns)
            yield from self._round_trip(batch, in_memory)
        return []

    def _round_trip(self, batch: LineBatch, in_memory: float) -> Generator[simpy.Event, Any, None]:
        """Ask for a batch, of which such a part is in memory, and wait until it is here."""
        asked, arrived = self._asked, self._arrived = self.env.event(), self.env.event()
        yield from self._there.out.send(PullRequest(batch.lines.size), self._requests)
        yield asked
        duration = self._here.out.serialisation_ns(batch.payload_bytes)
        read_bytes = in_memory * batch.lines.size * self._vm.processor.memory.line_bytes
        with self._vm.contended(slower(self._vm.processor, read_bytes, duration)):
            yield from self._here.out.send(batch, self._answers)
        yield arrived

    def _answer(self, request: PullRequest) -> None:
        """On the host with the VM: begin to read the lines that are asked for."""
        del request
        self._asked.succeed()

    def _take(self, batch: LineBatch) -> None:
        """On the other host: stage the lines, and go on."""
        self._staging.handle(batch)
        self._arrived.succeed()
