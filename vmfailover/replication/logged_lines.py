"""Modified lines that the cache controller writes to the address log."""

import numpy as np
import numpy.typing as npt

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Counter
from vmfailover.hardware.cache_controller import CacheController
from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext


class LoggedLines:
    """What all have in common that find modified lines in the address log; when they get there differs."""

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        """Track the VM of `hosted`; walks are written to the log of events."""
        self._env = context.env
        self._event_log = context.event_log
        self._hosted = hosted
        self._vm = hosted.vm
        self._processor = hosted.host.processor
        self._log = hosted.vm.log
        self.controller = CacheController(context.env, self._processor, self._log, hosted.vm, self._note_walk)

    def read(self) -> npt.NDArray[np.int64]:
        """Return the addresses logged since the last call, int64[n], in order and with repetitions."""
        return self._log.read()

    def outstanding(self) -> npt.NDArray[np.int64]:
        """Return the lines whose flag is set, int64[n]."""
        return self._processor.flagged_lines

    def note_device_write(self, lines: range) -> None:
        """Log lines in software."""
        for line in lines:
            self._log.append(line * self._processor.memory.line_bytes)
        self._processor.state.counters[Counter.LOG_SOFTWARE] += len(lines)

    @property
    def needs_room(self) -> bool:
        """Whether so little log is free that the VM must not go on."""
        return self._vm.needs_log

    @property
    def position(self) -> int:
        """Where the log's `next` stands."""
        return self._log.next

    def release(self, position: int) -> None:
        """Move the log's `tail` up to a position."""
        self._log.release(position)

    def _note_walk(self) -> None:
        self._event_log.record(Kind.SCAN, self._hosted.host.name, duration_ns=self._processor.scan_walk_ns)
