"""How the VM is kept in step on the other host, and what that costs the hypervisor."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from vmfailover.scenario.errors import KeyPath, Problem, require_fit
from vmfailover.scenario.kinds import Kinds, Section
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.units import AboveZero, ByteRate, Duration, NoneText, Size

#: Names that `preset:` may have under `replication`.
REPLICATION_PRESETS = ("cxl-64B",)


class LogSpec(Record):
    """The circular address log in the primary's memory, one for the VM."""

    size: Annotated[Size, AboveZero] = written("1 MiB")
    """Bytes, at eight for each address. Assumed."""
    when_full: Literal["drain", "checkpoint", "stall"] = "drain"
    """At the guard band: ship early, or checkpoint early; or let the processor stall on a full log (US 9519502)."""


class Compression(Record):
    """Modified units as the difference to what was last sent: exclusive or, then run lengths (Remus, section 3.4)."""

    ratio: Annotated[Number, Field(ge=1)] = 10.0
    """Bytes of a unit divided by those of its compressed difference. Remus, section 3.4: typically 10."""
    speed: Annotated[ByteRate, AboveZero] = written("1 GB/s")
    """Bytes compressed in a second by one thread of the hypervisor. Assumed."""
    cache: Size = written("32 MiB")
    """Bytes of old contents kept, the least recently sent falling out. A unit not among them is sent whole. Assumed."""


class PrecopySpec(Record):
    """The copy of a running VM: live-precopy, re-protection. The limits are those of Xen (Clark et al., NSDI 2005)."""

    lead: Duration = written("50 ms")
    """live-precopy: how long before the first failure, or before the end of the run, the evacuation is ordered, in
    nanoseconds. Assumed."""
    rounds: Count = 30
    """Rounds after which the VM is stopped whatever is left."""
    least: Count = 50
    """Modified pages that are few enough to stop the VM for."""
    most: Annotated[Number, Field(ge=1)] = 3.0
    """Times the memory to be copied at first, after which the VM is stopped whatever is left."""


class RestartSpec(Record):
    """A restart without replication: cold-restart, and of a VM that is lost in `vmfailover availability`."""

    kind: Literal["boot", "restore"] = "boot"
    """Boot the guest, or read an image of it that was saved before the run began."""
    boot: Duration = written("20 s")
    """Time until a booting guest serves again, in nanoseconds. Assumed: kernel and services."""
    storage: Annotated[ByteRate, AboveZero] = written("500 MB/s")
    """Bytes per second at which a saved image is read; all of the VM's memory. Assumed: a SATA solid-state drive."""


class Replication(Section):
    """The protocol and its switches."""

    # A protocol is a subclass with keys of its own, which says by these attributes what it can do.

    kinds: ClassVar["Kinds[Replication]"] = Kinds(
        "vmfailover.protocols", "vmfailover.replication.protocols", "protocol", REPLICATION_PRESETS
    )
    unused: ClassVar[frozenset[str]] = frozenset({"precopy"})
    #: Bytes of the smallest memory it can tell apart; 0 for one line of the host.
    least_granularity: ClassVar[int] = 0
    #: Bytes of a unit where the scenario does not say; 0 for one line of the host.
    default_granularity: ClassVar[int] = 0
    #: The most virtual processors it can protect; 0 for any number.
    most_vcpus: ClassVar[int] = 0
    #: Whether the other host has, all the time, what it needs to go on with the VM.
    replicates: ClassVar[bool] = True
    #: Whether it stops the VM for checkpoints that the other host can go on from.
    makes_checkpoints: ClassVar[bool] = True
    #: How many of its epochs are on their way at once.
    epochs_at_once: ClassVar[int] = 2
    #: The key, under `replication`, with the longest time of an epoch; None without epochs.
    epoch_key: ClassVar[str | None] = "checkpoint_interval"
    #: Whether it uses the address log, whose size then matters.
    uses_log: ClassVar[bool] = False
    #: Whether it notes the first store to each unit.
    notes_first_stores: ClassVar[bool] = False
    #: Whether it keeps what first stores overwrite; its unit is then a line.
    keeps_undo: ClassVar[bool] = False
    #: Whether the other host executes the guest too.
    executes_twice: ClassVar[bool] = False
    #: Whether it moves the VM to the other host before the first failure.
    evacuates: ClassVar[bool] = False
    #: Whether the other host needs all of the VM's memory before it can take over.
    needs_copy: ClassVar[bool] = True
    #: Whether a running VM can be protected with it, once the other host has a copy.
    reprotects: ClassVar[bool] = True
    #: Whether it can move a protected VM to the other host as planned.
    fails_back: ClassVar[bool] = False

    preset: str | None = None
    """Where keys left out come from: cxl-64B."""
    protocol: str
    """How the VM is protected."""
    granularity: Annotated[Annotated[Size, Field(le=2**30)] | None, NoneText] = None
    """Bytes of the unit in which modified memory is found and shipped, a power of two; none is the protocol's own: a
    line, or a page of 4 KiB."""
    checkpoint_interval: Annotated[Duration, AboveZero] = written("5 ms")
    """Time from the start of one epoch to its checkpoint, in nanoseconds; not to be left out where there are such."""
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
    acknowledge: Literal["staged", "applied"] = "staged"
    """When the other host acknowledges an epoch: once all of it has come, or once its image is brought to it."""
    next_checkpoint: Literal["sent", "acknowledged"] = "sent"
    """What the next checkpoint waits for, beside its interval: that this one's epoch has left, or that it is
    acknowledged, so that no more than one epoch is under way."""
    batch: Count = 512
    """Lines in a message to the secondary. Assumed."""
    compression: Annotated[Compression | None, NoneText] = None
    """How units are compressed before they are sent; or none."""
    precopy: PrecopySpec = PrecopySpec()
    """Of live-precopy, and of the copy that a further host gets."""
    restart: RestartSpec = RestartSpec()
    """Of cold-restart, and of a VM that is lost."""

    @model_validator(mode="after")
    def _demand_interval(self) -> Self:
        if not {"checkpoint_interval"} & (self.unused | self.model_fields_set):
            require_fit(
                [Problem(("checkpoint_interval",), "is missing; write for example 'checkpoint_interval: 5 ms'")]
            )
        return self

    def unit_bytes(self, line: int) -> int:
        """Return the bytes of a unit on hosts with lines of `line` bytes."""
        return self.granularity or self.default_granularity or line

    @property
    def epoch_ns(self) -> int | None:
        """The longest time of an epoch, None without epochs."""
        return None if self.epoch_key is None else int(attrgetter(self.epoch_key)(self))

    @property
    def first_store_ns(self) -> int:
        """Time that the guest loses with the first store to a unit in an epoch."""
        return 0

    @property
    def compares_lines(self) -> bool:
        """Whether it compares modified lines of both hosts, to send those that differ."""
        return False

    def steps_ns(self) -> Iterator[tuple[KeyPath, int]]:
        """Yield the times that the guest may lose at once to the tracking of its stores, each with the key."""
        yield from ()


class Hypervisor(Record):
    """What the hypervisor's steps cost. All defaults are assumed, as orders of magnitude of KVM on servers."""

    wake_up: Duration = written("0 ns")
    """Time from the end of an interval until the thread that makes the checkpoint runs, in nanoseconds."""
    quiesce: Duration = written("20 us")
    """Time to stop all vCPUs and drain their store queues, in nanoseconds."""
    resume: Duration = written("10 us")
    """Time to start all vCPUs again, in nanoseconds."""
    vcpu_state: Size = written("8 KiB")
    """Bytes of registers and device state for each vCPU."""
    vcpu_capture: Duration = written("5 us")
    """Time to save the state of one vCPU, in nanoseconds."""
    message: Duration = written("1 us")
    """Time of a thread to build and send one message of lines, beside the sending of those before it, or on the other
    host to ask for one, in nanoseconds. Assumed: a system call and the network's stack, the contents being in the send
    buffer already."""
    interrupt: Duration = written("2 us")
    """Time the guest loses to an interrupt of the address log, in nanoseconds."""
    deduplication: Duration = written("4 ns")
    """Time to look one logged address up among those already seen, in nanoseconds."""
    restore: Duration = written("1 ms")
    """Time to load the state of vCPUs and devices at a takeover, in nanoseconds."""
    redirect: Duration = written("1 ms")
    """Time until the network delivers to the secondary, as by gratuitous ARP, in nanoseconds."""
