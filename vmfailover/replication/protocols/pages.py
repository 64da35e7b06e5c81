"""What protocols that find modified pages have in common."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from vmfailover.scenario.errors import KeyPath
from vmfailover.scenario.record import Count, Record, written
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.units import DURATION, AboveZero, Duration, Named, NoneText, Size

#: Who answers a fault, and how long that takes.
FAULTS = Named(DURATION, re_armed="260 ns", exit="2 us", shadow="25 us")


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
    """Time to read one entry of the page tables on a walk, in nanoseconds. Assumed: 8 bytes at 8 GB/s."""
    found_by: Literal["faults", "walk"] = "faults"
    """page-write-protect: how a checkpoint knows the modified pages, by a list that the faults have filled, or by a
    walk over all entries of the page tables, as PAGEMAP_SCAN of Linux does where the kernel answers the faults."""
    fetch: Duration = written("10 ns")
    """Time to fetch 64 bytes of the page tables, eight entries, from memory on a walk, in nanoseconds; none where
    caches hold them. Assumed: several fetches overlap."""
    evicted_by: Annotated[Annotated[Size, AboveZero] | None, NoneText] = None
    """Bytes of modified pages in an epoch beyond which their copies drive the page tables out of the caches; none
    if they never do."""
    range: Duration = written("0 ns")
    """page-write-protect: time a checkpoint needs for each run of consecutive modified pages, in nanoseconds, beside
    that for its pages: each is a mapping of its own where mprotect of Linux protects, which joins them again."""
    flush: Duration = written("2 us")
    """Time a vCPU loses to a flush of its TLB and to filling it again, in nanoseconds. Assumed."""
    page: Duration = written("100 ns")
    """Time a checkpoint needs for each modified page beside copying it: to map it and to protect it again or to clear
    its dirty bit, in nanoseconds. Assumed."""


class PageSettings(Replication):
    """Settings of a protocol that finds modified pages."""

    least_granularity: ClassVar[int] = 4096
    default_granularity: ClassVar[int] = 4096
    notes_first_stores: ClassVar[bool] = True
    unused: ClassVar[frozenset[str]] = Replication.unused | {"scan_interval", "log", "transfer"}

    page_tracking: PageTracking = PageTracking()
    """What finding modified pages costs."""

    def steps_ns(self) -> Iterator[tuple[KeyPath, int]]:
        """Yield a fault, and an exit."""
        yield ("page_tracking", "fault"), self.page_tracking.fault
        yield ("page_tracking", "exit"), self.page_tracking.exit
