"""Cache-line flags (US 2014/0164710): stores flag their rows, the cache controller logs the flagged lines."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.cache_controller import CacheController, MakeRoom, Steps
from vmfailover.journal import Journal


class CachelineFlags:
    """Finds the modified lines of a VM by image-modification flags and the address log."""

    def __init__(self, env: simpy.Environment, vm: VirtualMachine, journal: Journal, host: str) -> None:
        """Track `vm`; walks are written to the journal as events of `host`."""
        self._vm = vm
        self._log = vm.log
        self.controller = CacheController(
            env,
            vm.processor,
            vm.log,
            vm,
            lambda: journal.record("scan", host, duration_ns=vm.processor.scan_walk_ns),
        )

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        """Log what has been modified every `interval_ns`, and call `after` each time."""
        return self.controller.check_periodically(interval_ns, make_room, after)

    def find_modified(self, make_room: MakeRoom) -> Steps:
        """Log everything modified and not logged yet; the VM stands still."""
        return self.controller.walk(make_room)

    def read(self) -> npt.NDArray[np.int64]:
        """Return the addresses logged since the last call, int64[n], in order and with repetitions."""
        return self._log.read()

    @property
    def needs_room(self) -> bool:
        """Whether so little log is free that the VM must not go on."""
        return self._vm.needs_log

    @property
    def position(self) -> int:
        """What to `release` when everything read so far is no longer needed."""
        return self._log.next

    def release(self, position: int) -> None:
        """Free what the log holds up to a position."""
        self._log.release(position)
