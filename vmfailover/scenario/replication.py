"""How the VM is kept in step on the other host, and what that costs the hypervisor."""

from typing import Annotated, Literal

from vmfailover.scenario.record import Count, Record, written
from vmfailover.scenario.units import AboveZero, Duration, NoneText, Size


class LogSpec(Record):
    """The circular address log in the primary's memory, one for the VM."""

    size: Annotated[Size, AboveZero] = written("1 MiB")
    """Bytes, at eight for each address. Assumed."""
    when_full: Literal["drain", "checkpoint", "stall"] = "drain"
    """At the guard band: ship early, or checkpoint early; or let the processor stall on a full log (US 9519502)."""


class Replication(Record):
    """The protocol and its switches."""

    protocol: Literal["cacheline-flags"]
    """How modified memory is found."""
    checkpoint_interval: Annotated[Duration, AboveZero]
    """Time from the start of one epoch to its checkpoint, in nanoseconds."""
    scan_interval: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """Time between two checks of the flags within an epoch, in nanoseconds; none checks at the checkpoint only."""
    log: LogSpec = LogSpec()
    """The address log."""
    copier: Literal["vm-core", "helper-thread", "other-host"] = "vm-core"
    """Who copies: the core that runs the VM, another thread of the primary, or the secondary (US 9047221)."""
    transfer: Literal["log", "carry"] = "log"
    """What a flagged line does when it moves to another core's cache: log its address, or carry its flag along."""
    hypervisor_writes: Literal["logged", "missed"] = "logged"
    """Whether the hypervisor's own writes into guest memory are logged in software."""
    batch: Count = 512
    """Lines in a message to the secondary. Assumed."""


class Hypervisor(Record):
    """What the hypervisor's steps cost. All defaults are assumed, as orders of magnitude of KVM on servers."""

    quiesce: Duration = written("20 us")
    """Time to stop all vCPUs and drain their store queues, in nanoseconds."""
    resume: Duration = written("10 us")
    """Time to start all vCPUs again, in nanoseconds."""
    vcpu_state: Size = written("8 KiB")
    """Bytes of registers and device state for each vCPU."""
    vcpu_capture: Duration = written("5 us")
    """Time to save the state of one vCPU, in nanoseconds."""
    interrupt: Duration = written("2 us")
    """Time the guest loses to an interrupt of the address log, in nanoseconds."""
    deduplication: Duration = written("4 ns")
    """Time to look one logged address up among those already seen, in nanoseconds."""
    restore: Duration = written("1 ms")
    """Time to load the state of vCPUs and devices at a takeover, in nanoseconds."""
    redirect: Duration = written("1 ms")
    """Time until the network delivers to the secondary, as by gratuitous ARP, in nanoseconds."""
