"""What the protocols of protection cost, each in a section of its own under `replication`."""

from typing import Annotated, Literal

from pydantic import Field

from vmfailover.scenario.record import Count, Flag, Number, Record, written
from vmfailover.scenario.units import DURATION, AboveZero, Bandwidth, ByteRate, Duration, Fraction, Named, Size

#: Who answers a fault, and how long that takes.
FAULTS = Named(DURATION, re_armed="260 ns", exit="2 us", shadow="25 us")


class LogSpec(Record):
    """The circular address log in the primary's memory, one for the VM."""

    size: Annotated[Size, AboveZero] = written("1 MiB")
    """Bytes, at eight for each address. Assumed."""
    when_full: Literal["drain", "checkpoint", "stall"] = "drain"
    """At the guard band: ship early, or checkpoint early; or let the processor stall on a full log (US 9519502)."""


class PageTracking(Record):
    """What finding modified pages costs: page-write-protect, page-modification-log, page-dirty-bits, and others."""

    fault: Annotated[Duration, FAULTS] = written("exit")
    """Time of the first store to a write-protected page, in nanoseconds, or by whom it is answered. `re-armed`: 260 ns,
    reported for pages that a current hypervisor arms again and again and releases on the spot. `exit`: 2 us for one
    exit that the hypervisor answers in its second-level page tables (EPT, NPT); assumed. `shadow`: 25 us where it keeps
    shadow page tables, or leaves the answer to a process of its own, tens of microseconds; fitted to Remus' kernel
    build in scenarios/published."""
    buffer: Count = 512
    """Entries of the page-modification log of each vCPU (Intel SDM, volume 3C, page-modification logging)."""
    exit: Duration = written("5 us")
    """Time to empty a full page-modification log: exit, one bitmap update an entry, in nanoseconds. Assumed."""
    walk: Duration = written("1 ns")
    """Time to read one entry of the page tables for its dirty bit, in nanoseconds. Assumed: 8 bytes at 8 GB/s."""
    flush: Duration = written("2 us")
    """Time a vCPU loses to a flush of its TLB and to filling it again, in nanoseconds. Assumed."""
    page: Duration = written("100 ns")
    """Time a checkpoint needs for each modified page beside copying it: to map it and to protect it again or to clear
    its dirty bit, in nanoseconds. Assumed."""


class Compression(Record):
    """Modified units as the difference to what was last sent: exclusive or, then run lengths (Remus, section 3.4)."""

    ratio: Annotated[Number, Field(ge=1)] = 10.0
    """Bytes of a unit divided by those of its compressed difference. Remus, section 3.4: typically 10."""
    speed: Annotated[ByteRate, AboveZero] = written("1 GB/s")
    """Bytes compressed in a second by one thread of the hypervisor. Assumed."""
    cache: Size = written("32 MiB")
    """Bytes of old contents kept, the least recently sent falling out. A unit not among them is sent whole. Assumed."""


class UndoLogSpec(Record):
    """The old contents of modified lines: undo-log."""

    placement: Literal["mirrored", "local"] = "mirrored"
    """Where memory and log survive: in the other host's memory, which mirrors both (ReVive); or where they are, in
    memory that outlives its host, such as a battery-backed or pooled one, which the other host then takes over."""


class OutputCompareSpec(Record):
    """Two hosts execute, and their outputs are compared: output-compare."""

    divergence: Fraction = written("1 %")
    """Share of the outputs in which the hosts differ. Assumed; it depends on the guest's locks and timers."""
    compare: Duration = written("1 us")
    """Time to compare two outputs, in nanoseconds. Assumed."""
    longest_interval: Annotated[Duration, AboveZero] = written("20 s")
    """Time after which the hosts are synchronised even without divergence, in nanoseconds. QEMU's COLO
    (x-checkpoint-delay)."""
    hashing: Flag = False
    """Whether hashes of modified pages are compared first, and only those pages sent that differ (PLOVER)."""
    same: Fraction = written("77 %")
    """With hashing: share of the modified pages that are the same on both hosts. PLOVER, table 3: 72 % to 86 %."""
    hash: Duration = written("6300 ns")
    """With hashing: time of one thread to hash 4 KiB, in nanoseconds. PLOVER, table 3: 6.3 us."""
    hash_threads: Count = 24
    """With hashing: threads that hash. PLOVER, table 3."""
    compare_hashes: Duration = written("145 ns")
    """With hashing: time to compare the hashes of a page, in nanoseconds. PLOVER, table 3: 0.145 us."""


class RecordReplaySpec(Record):
    """What is not deterministic is logged, and the other host replays it: record-replay."""

    rate: Bandwidth = written("1500 kbit/s")
    """Log written for timers and other interrupts, in bits per second of guest time. VMware FT, table 1: SPECjbb."""
    per_received_byte: Number = 1.21
    """Bytes of log for each byte received. VMware FT, table 2: 730 Mbit/s of log for 604 Mbit/s received."""
    per_sent_byte: Number = 0.05
    """Bytes of log for each byte sent. VMware FT, table 2: 42 Mbit/s of log for 855 Mbit/s sent."""
    interval: Annotated[Duration, AboveZero] = written("1 ms")
    """Longest time between two parts of the log, in nanoseconds; an output sends one at once. Assumed."""
    buffer: Annotated[Size, AboveZero] = written("1 MiB")
    """Bytes of log that may wait to be sent; the VM stops while there are more. Assumed."""
    lag: Annotated[Duration, AboveZero] = written("1 s")
    """Guest time by which the replica may be behind; the VM stops while it is more. VMware FT: slowed down
    when the lag grows beyond about one second."""
    slowdown: Fraction = written("0 %")
    """How much longer replaying takes than executing did. Assumed."""


class PrecopySpec(Record):
    """A planned evacuation: live-precopy. The limits are those of Xen (Clark et al., NSDI 2005)."""

    lead: Duration = written("50 ms")
    """How long before the first failure, or before the end of the run, the evacuation is ordered, in nanoseconds.
    Assumed."""
    rounds: Count = 30
    """Rounds after which the VM is stopped whatever is left."""
    least: Count = 50
    """Modified pages that are few enough to stop the VM for."""
    most: Annotated[Number, Field(ge=1)] = 3.0
    """Times the memory to be copied at first, after which the VM is stopped whatever is left."""


class RestartSpec(Record):
    """A restart without replication: cold-restart."""

    kind: Literal["boot", "restore"] = "boot"
    """Boot the guest, or read an image of it that was saved before the run began."""
    boot: Duration = written("20 s")
    """Time until a booting guest serves again, in nanoseconds. Assumed: kernel and services."""
    storage: Annotated[ByteRate, AboveZero] = written("500 MB/s")
    """Bytes per second at which a saved image is read; all of the VM's memory. Assumed: a SATA solid-state drive."""
