"""How the VM is kept in step on the other host, and what that costs the hypervisor."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from vmfailover.scenario.errors import Problem, require_fit, shown, suggestion
from vmfailover.scenario.presets import apply_preset
from vmfailover.scenario.protection import (
    Compression,
    LogSpec,
    OutputCompareSpec,
    PageTracking,
    PrecopySpec,
    RecordReplaySpec,
    RestartSpec,
    UndoLogSpec,
)
from vmfailover.scenario.protocols import PROTOCOLS
from vmfailover.scenario.record import Count, Record, written
from vmfailover.scenario.units import AboveZero, Duration, NoneText, Size

#: Names that `preset:` may have under `replication`.
REPLICATION_PRESETS = ("cxl-64B",)


class Replication(Record):
    """The protocol and its switches; a section that a protocol does not use says nothing to it."""

    preset: str | None = None
    """Where keys left out come from: cxl-64B."""
    protocol: Annotated[str, WithJsonSchema({"type": "string", "enum": list(PROTOCOLS)})]
    """How the VM is protected."""
    granularity: Annotated[Annotated[Size, Field(le=2**30)] | None, NoneText] = None
    """Bytes of the unit in which modified memory is found and shipped, a power of two; none is the protocol's own: a
    line, or a page of 4 KiB."""
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
    compression: Annotated[Compression | None, NoneText] = None
    """How units are compressed before they are sent; or none."""
    page_tracking: PageTracking = PageTracking()
    """What finding modified pages costs."""
    undo_log: UndoLogSpec = UndoLogSpec()
    """Of undo-log."""
    output_compare: OutputCompareSpec = OutputCompareSpec()
    """Of output-compare."""
    record_replay: RecordReplaySpec = RecordReplaySpec()
    """Of record-replay."""
    precopy: PrecopySpec = PrecopySpec()
    """Of live-precopy."""
    restart: RestartSpec = RestartSpec()
    """Of cold-restart."""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        return apply_preset(data, REPLICATION_PRESETS) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _check_protocol(self) -> Self:
        if self.protocol not in PROTOCOLS:
            message = f"{shown(self.protocol)} is unknown; {suggestion(self.protocol, PROTOCOLS)}"
            require_fit([Problem(("protocol",), message)])
        return self

    def unit_bytes(self, line: int) -> int:
        """Return the bytes of a unit on hosts with lines of `line` bytes."""
        return self.granularity or PROTOCOLS[self.protocol].default_granularity or line


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
