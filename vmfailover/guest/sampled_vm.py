"""A virtual machine in execution that is sampled."""

from collections.abc import Callable

from vmfailover.guest.placement import Placement
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.visit_buffer import VisitBuffer
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.processor import Processor
from vmfailover.hardware.sampled.processor import SampledProcessor

#: More visits than there are in any run.
_ALL = 1 << 62


class SampledVm(VirtualMachine):
    """Executes when somebody looks at it or changes it, up to that instant: no store stops it in between."""

    def __init__(
        self,
        processor: SampledProcessor,
        log: AddressLog,
        request_entries: int,
        placement: Placement,
        now: Callable[[], int],
    ) -> None:
        """Prepare to run as every VM does; `now` tells the simulated time."""
        super().__init__(processor, log, request_entries, placement)
        self._now = now
        processor.before_look = self._catch_up

    def _catch_up(self) -> None:
        if self.running:
            self.advance_to(self._now(), _ALL)

    def pause(self, now_ns: int) -> None:
        """Stop now, until `resume` has been called as often as `pause`."""
        self._catch_up()
        super().pause(now_ns)

    def _refill(self, core: int, horizon_ns: int) -> None:
        del horizon_ns
        assert isinstance(self._buffer, VisitBuffer)
        self._buffer.bring(self.cores.index(core))

    def late_ns(self, now_ns: int) -> int:
        """Return the guest time since the tick began whose visits are still to be executed, of the latest vCPU."""
        self._catch_up()
        return super().late_ns(now_ns)

    @property
    def positions(self) -> tuple[int, ...]:
        """The position of each vCPU's next visit."""
        self._catch_up()
        return super().positions


def new_vm(
    processor: Processor, log: AddressLog, request_entries: int, placement: Placement, now: Callable[[], int]
) -> VirtualMachine:
    """Return a VM on a processor, as `VirtualMachine` says; `now` tells the simulated time."""
    if isinstance(processor, SampledProcessor):
        return SampledVm(processor, log, request_entries, placement, now)
    return VirtualMachine(processor, log, request_entries, placement)
