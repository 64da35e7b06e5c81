"""Live pre-copy (Clark et al., NSDI 2005): settings, beside those of every copy of a running VM (`precopy`)."""

from typing import Annotated, ClassVar

from vmfailover.replication.protocols.pages import PageSettings
from vmfailover.scenario.record import Count, Flag, Record, written
from vmfailover.scenario.units import AboveZero, Bandwidth, Duration, NoneText


class MigrationSpec(Record):
    """A migration as hypervisors of today do it, in place of the rounds of `precopy`, of which only `lead` counts."""

    downtime_limit: Annotated[Duration, AboveZero] = written("300 ms")
    """The VM is stopped as soon as what is left fits into this time at the bandwidth that was measured last, in
    nanoseconds; and only then. QEMU (downtime-limit)."""
    bandwidth_limit: Annotated[Annotated[Bandwidth, AboveZero] | None, NoneText] = None
    """Bits per second that the rounds may take, apart from what the link has; what is left for the VM's stop goes at
    full speed. None is as much as there is. QEMU (max-bandwidth, there in bytes)."""
    stream_bandwidth: Annotated[Annotated[Bandwidth, AboveZero] | None, NoneText] = None
    """Bits per second that one channel can do, which is bound by one core of the host; none is as much as the link."""
    channels: Count = 1
    """Channels that send side by side. QEMU (multifd-channels)."""
    timeout: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """Time after which a migration that has not stopped the VM is given up, which then stays where it is, in
    nanoseconds; none never does."""
    auto_converge: Flag = False
    """Whether vCPUs are throttled, by 20 % and then 10 % more each time that, in two periods of 1 s at least, more than
    half as much was modified as was sent. QEMU (auto-converge; cpu-throttle-initial and -increment)."""


class LivePrecopySettings(PageSettings):
    """A planned evacuation while the VM runs, and the stop at its end."""

    code: ClassVar[str] = f"{__name__}.protection:LivePrecopy"
    replicates: ClassVar[bool] = False
    makes_checkpoints: ClassVar[bool] = False
    reprotects: ClassVar[bool] = False
    evacuates: ClassVar[bool] = True
    epoch_key: ClassVar[str | None] = None
    unused: ClassVar[frozenset[str]] = PageSettings.unused - {"precopy"} | {
        *("checkpoint_interval", "copier", "acknowledge", "next_checkpoint")
    }

    migration: Annotated[MigrationSpec | None, NoneText] = None
    """How the rounds of a migration as practised are paced, and when the VM is stopped; none goes by `precopy`."""
