"""Who copies modified lines: the VM's core, a helper thread of the host, or the other host (US 9047221)."""

from collections.abc import Callable, Generator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.link import Channel
from vmfailover.hardware.processor import FS_PER_NS, Processor
from vmfailover.replication.messages import ADDRESS_BYTES, HEADER_BYTES, LineBatch

Copying = Generator[simpy.Event, Any, list[LineBatch]]
#: Makes the batches of some lines as they stand now; says too how many of the lines a cache held.
Read = Callable[[npt.NDArray[np.int64]], tuple[list[LineBatch], int]]
#: Told of lines that the VM's core begins to copy between two checkpoints, and how long that takes in nanoseconds.
NoteEarlyCopy = Callable[[int, int], None]


class Copier(Protocol):
    """Copies lines coherently; what it returns is still to be sent."""

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Copy lines (int64[n]) as they stand now, after `before_ns` of other work that needs the copier.

        `vm_stopped` says that a checkpoint has stopped the VM anyway.
        """


def copy_ns(processor: Processor, lines: int, cached: int) -> int:
    """Return the time one thread takes to fetch lines and store them in a send buffer.

    A line from an L2 takes that cache's latency, one from memory the memory's latency divided by its parallelism, and
    none takes less than reading and writing it at the memory's bandwidth.
    """
    spec = processor.spec
    bandwidth_fs = 2 * spec.line * 10**15 // spec.memory.bandwidth
    l2_fs = processor.cycles_fs(spec.l2.latency)
    memory_fs = round(spec.memory.latency * FS_PER_NS / spec.memory.parallelism)
    total_fs = cached * max(l2_fs, bandwidth_fs) + (lines - cached) * max(memory_fs, bandwidth_fs)
    return -(-total_fs // FS_PER_NS)


class VmCore:
    """The core that runs the VM copies, and so the VM stands still (US 9047221 claim 2)."""

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
        batches, cached = self._read(lines)
        duration = before_ns + copy_ns(self._vm.processor, lines.size, cached)
        if not vm_stopped:
            self._note(lines.size, duration)
        yield self.env.timeout(duration)
        if not vm_stopped:
            self._vm.resume(int(self.env.now))
        return batches


class HelperThread:
    """Another thread of the host copies; while the VM runs beside it, both share the memory's bandwidth."""

    def __init__(self, env: simpy.Environment, vm: VirtualMachine, read: Read) -> None:
        """Copy for `vm`."""
        self.env = env
        self._vm = vm
        self._read = read

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Copy beside the VM, whose memory accesses take longer meanwhile."""
        batches, cached = self._read(lines)
        duration = copy_ns(self._vm.processor, lines.size, cached)
        yield self.env.timeout(before_ns)
        if vm_stopped or duration == 0:
            yield self.env.timeout(duration)
            return batches
        spec = self._vm.processor.spec
        used = 2 * lines.size * spec.line * 10**9 / duration / spec.memory.bandwidth
        with self._vm.contended(1 / (1 - min(used, 0.9))):
            yield self.env.timeout(duration)
        return batches


class OtherHost:
    """The other host pulls: a request and an answer over the link for every batch, which arrives staged."""

    def __init__(
        self,
        env: simpy.Environment,
        vm: VirtualMachine,
        read: Read,
        forward: Channel,
        backward: Channel,
        stage: Callable[[LineBatch], None],
    ) -> None:
        """Pull over the two directions of a link; every batch goes to `stage` as it arrives."""
        self.env = env
        self._vm = vm
        self._read = read
        self._forward = forward
        self._backward = backward
        self._stage = stage

    def copy(self, lines: npt.NDArray[np.int64], *, before_ns: int, vm_stopped: bool) -> Copying:
        """Pull batch after batch, waiting for each; nothing is left to be sent."""
        del vm_stopped
        batches, _ = self._read(lines)
        yield self.env.timeout(before_ns)
        for batch in batches:
            yield from self._round_trip(batch)
        return []

    def _round_trip(self, batch: LineBatch) -> Generator[simpy.Event, Any, None]:
        asked, arrived = self.env.event(), self.env.event()

        def ask() -> None:
            asked.succeed()

        def deliver() -> None:
            self._stage(batch)
            arrived.succeed()

        yield from self._backward.send(HEADER_BYTES + batch.lines.size * ADDRESS_BYTES, ask)
        yield asked
        yield from self._forward.send(batch.payload_bytes, deliver)
        yield arrived
