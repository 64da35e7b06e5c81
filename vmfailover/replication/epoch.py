"""What the replication manager knows of an epoch."""

from dataclasses import dataclass, field

from vmfailover.guest.guest import GuestState
from vmfailover.guest.server import Completion
from vmfailover.replication.distinct import DistinctNumbers


@dataclass(slots=True)
class Epoch:
    """The time between two checkpoints, and what the checkpoint at its end did; instants in nanoseconds, None: not yet.

    The parts of the pause add up: quiesce, scan, capture, de-duplication, harvest and resume.
    """

    number: int
    started_ns: int
    #: The VM stops for the checkpoint that ends the epoch.
    paused_ns: int | None = None
    quiesce_ns: int = 0
    scan_ns: int = 0
    captured_ns: int | None = None
    capture_ns: int = 0
    deduplication_ns: int = 0
    harvest_ns: int = 0
    #: Time for which the core of the VM copied lines early, the VM standing still.
    early_copy_ns: int = 0
    resumed_ns: int | None = None
    #: The last bit of the commit marker has left.
    sent_ns: int | None = None
    acknowledged_ns: int | None = None
    forced: bool = False
    #: It is a round in which all of memory is copied, whatever had been found modified before.
    whole_memory: bool = False
    state: GuestState | None = None
    #: Answers that wait for this epoch's commit.
    outputs: list[Completion] = field(default_factory=list)
    #: Addresses read from the log for this epoch.
    entries: int = 0
    #: First addresses of the units they are in, until the epoch is committed and audited.
    logged: DistinctNumbers = field(default_factory=DistinctNumbers)
    #: Lines shipped for this epoch, early and at its end, with repetitions.
    lines: int = 0
    #: Bytes shipped for this epoch: addresses and contents, or the log.
    shipped_bytes: int = 0
    #: Lines left for the checkpoint's harvest.
    residue: int = 0
    duplicates: int = 0
    #: Where the log's `next` stood when the checkpoint had read everything.
    log_position: int = 0
