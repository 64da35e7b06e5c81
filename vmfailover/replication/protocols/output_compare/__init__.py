"""Output comparison (COLO, PLOVER): settings."""

from typing import Annotated, ClassVar

from vmfailover.replication.protocols.pages import PageSettings
from vmfailover.scenario.record import Count, Flag, Record, written
from vmfailover.scenario.units import AboveZero, Duration, Fraction


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


class OutputCompareSettings(PageSettings):
    """Both hosts execute, and an output leaves once both have produced it."""

    code: ClassVar[str] = f"{__name__}.protection:OutputCompare"
    executes_twice: ClassVar[bool] = True
    epochs_at_once: ClassVar[int] = 1
    epoch_key: ClassVar[str | None] = "output_compare.longest_interval"
    unused: ClassVar[frozenset[str]] = PageSettings.unused | {
        *("checkpoint_interval", "copier", "acknowledge", "next_checkpoint")
    }

    output_compare: OutputCompareSpec = OutputCompareSpec()
    """Of output-compare."""

    @property
    def first_store_ns(self) -> int:
        """A fault."""
        return self.page_tracking.fault

    @property
    def compares_lines(self) -> bool:
        """Whether it compares hashes of pages."""
        return self.output_compare.hashing
