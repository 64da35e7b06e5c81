"""The address log (200) of a VM: a circular buffer in memory with its registers."""

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import PADDING, LogState, Register, define_log, new_logs
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.memory import MemoryRange
from vmfailover.scenario.sizes import ADDRESS_BYTES


class AddressLog:
    """The log as its consumer, the replication manager, sees it; the cache controller writes it.

    Entries from `tail` to `next` are in use. The consumer reads ahead of `tail`, which moves up only when it releases
    what it has read. One line always stays free, so that a full log differs from an empty one.
    """

    def __init__(self, twin: CacheTwin, logs: LogState, vm: int, place: MemoryRange, guard_band: int) -> None:
        """Define the log of VM number `vm`, one of a host's `logs`, in a range of its memory.

        `guard_band` is the free space in entries below which the processor has to stop and ask for room.
        """
        self._twin = twin
        self._vm = vm
        self.guard_band = guard_band
        #: The logs of all VMs of the host.
        self.logs = logs
        line_bytes = logs.collecting.shape[1] * ADDRESS_BYTES
        #: Bytes of the buffer.
        self.size: int = place.lines * line_bytes
        #: Entries that can be in use at once.
        self.capacity: int = (self.size - line_bytes) // ADDRESS_BYTES
        define_log(logs, vm, initial=place.first * line_bytes, size=self.size)
        self._ring: npt.NDArray[np.int64] = logs.ring[vm, : self.size // ADDRESS_BYTES]
        self._registers: npt.NDArray[np.int64] = logs.registers[vm]
        self._read = self.next
        self._released_fill = 0.0

    def __repr__(self) -> str:
        """Return how full it is."""
        return f"<AddressLog: {self.entries} of {self.capacity} entries in use>"

    @classmethod
    def of_only_vm(cls, twin: CacheTwin, place: MemoryRange, line_bytes: int, guard_band: int = 0) -> "AddressLog":
        """Return the log of a host's only VM, number 0."""
        logs = new_logs(vms=1, size=place.lines * line_bytes, line_bytes=line_bytes)
        return cls(twin, logs, 0, place, guard_band)

    @property
    def next(self) -> int:
        """Address of the next free slot."""
        return int(self._registers[Register.NEXT])

    @property
    def tail(self) -> int:
        """Address of the oldest entry in use."""
        return int(self._registers[Register.TAIL])

    @property
    def entries(self) -> int:
        """Entries in use, those in the collecting line included."""
        return (self.next - self.tail) % self.size // ADDRESS_BYTES + int(self._registers[Register.COLLECTED])

    @property
    def free_entries(self) -> int:
        """Entries that can still be logged before the buffer is full."""
        return self.capacity - self.entries

    @property
    def peak_fill(self) -> float:
        """The largest share of the buffer that has been in use."""
        return max(self._released_fill, self.entries / self.capacity)

    def set_limit(self, reserve: int = 0) -> None:
        """Let the controller log until only `reserve` entries are free."""
        self._registers[Register.LIMIT] = self.free_entries - reserve

    def append(self, address: int) -> None:
        """Log an address in software."""
        self._twin.log_address(self.logs, self._vm, address)

    def read(self) -> npt.NDArray[np.int64]:
        """Flush the collecting line and return every address not read before, int64[n], oldest first."""
        self._twin.flush(self.logs, self._vm)
        initial = int(self._registers[Register.INITIAL])
        here, end = (self._read - initial) // ADDRESS_BYTES, (self.next - initial) // ADDRESS_BYTES
        ring = self._ring
        entries = ring[here:end] if here <= end else np.concatenate([ring[here:], ring[:end]])
        self._read = self.next
        addresses: npt.NDArray[np.int64] = entries[entries != PADDING]
        return addresses

    def release(self, position: int) -> None:
        """Move `tail` up to an address that `next` had when the entries before it were read."""
        self._released_fill = self.peak_fill
        self._registers[Register.TAIL] = position
