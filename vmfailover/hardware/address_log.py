"""The address log (200): a circular buffer in memory with its registers."""

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.cache.state import PADDING, Register, new_log
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.scenario.sizes import ADDRESS_BYTES


class AddressLog:
    """The log as its consumer, the replication manager, sees it; the cache controller writes it.

    Entries from `tail` to `next` are in use. The consumer reads ahead of `tail`, which moves up only when it releases
    what it has read. One line always stays free, so that a full log differs from an empty one.
    """

    def __init__(self, twin: CacheTwin, *, initial: int, size: int, line_bytes: int, guard_band: int) -> None:
        """Define a log of `size` bytes (rounded down to whole lines) at address `initial`.

        `guard_band` is the free space in entries below which the processor has to stop and ask for room.
        """
        self._twin = twin
        self.guard_band = guard_band
        self.state = new_log(initial=initial, size=size - size % line_bytes, line_bytes=line_bytes)
        #: Bytes of the buffer.
        self.size = int(self.state.registers[Register.SIZE])
        #: Entries that can be in use at once.
        self.capacity = (self.size - line_bytes) // ADDRESS_BYTES
        self._read = initial
        self._released_fill = 0.0

    @property
    def next(self) -> int:
        """Address of the next free slot."""
        return int(self.state.registers[Register.NEXT])

    @property
    def tail(self) -> int:
        """Address of the oldest entry in use."""
        return int(self.state.registers[Register.TAIL])

    @property
    def entries(self) -> int:
        """Entries in use, those in the collecting line included."""
        return (self.next - self.tail) % self.size // ADDRESS_BYTES + int(self.state.registers[Register.COLLECTED])

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
        self.state.registers[Register.LIMIT] = self.free_entries - reserve

    def append(self, address: int) -> None:
        """Log an address in software."""
        self._twin.log_address(self.state, address)

    def read(self) -> npt.NDArray[np.int64]:
        """Flush the collecting line and return every address not read before, int64[n], oldest first."""
        self._twin.flush(self.state)
        initial = int(self.state.registers[Register.INITIAL])
        here, end = (self._read - initial) // ADDRESS_BYTES, (self.next - initial) // ADDRESS_BYTES
        ring = self.state.ring
        entries = ring[here:end] if here <= end else np.concatenate([ring[here:], ring[:end]])
        self._read = self.next
        addresses: npt.NDArray[np.int64] = entries[entries != PADDING]
        return addresses

    def release(self, position: int) -> None:
        """Move `tail` up to an address that `next` had when the entries before it were read."""
        self._released_fill = self.peak_fill
        self.state.registers[Register.TAIL] = position
