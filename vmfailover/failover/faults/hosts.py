"""Faults of hosts."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from vmfailover.scenario.failover import Failure, Undo
from vmfailover.scenario.record import Number

if TYPE_CHECKING:
    from vmfailover.hardware.host import Host


class HostCrash(Failure):
    """The host stops at once and forgets everything."""

    fatal: ClassVar[bool] = True
    once: ClassVar[bool] = True
    happened: ClassVar[str] = "crashed"

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Crash the host."""
        del report
        part.crash()
        return None


class PowerLoss(HostCrash):
    """Both hosts crash."""

    targets: ClassVar[tuple[str, ...]] = ("both",)
    once: ClassVar[bool] = False
    happened: ClassVar[str] = "lost its power"


class VmCrash(Failure):
    """The VM's process dies, and what it has given to the network still leaves."""

    targets: ClassVar[tuple[str, ...]] = ("primary", "active")
    fatal: ClassVar[bool] = True
    happened: ClassVar[str] = "lost its VM"

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Stop the host."""
        del report
        part.stop()
        return None


class ReportedVmCrash(VmCrash):
    """The VM's process dies of what the host reports at once."""

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Stop the host, and report it."""
        part.stop()
        report(part.name)
        return None


class UncorrectableError(ReportedVmCrash):
    """An uncorrectable error of memory."""

    happened: ClassVar[str] = "had a memory error"


class HypervisorHang(Failure):
    """Everything but the virtual processors stands still."""

    passes: ClassVar[bool] = True
    fatal: ClassVar[bool] = True
    happened: ClassVar[str] = "hung"

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Freeze the host."""
        del report
        part.freeze()
        return part.thaw


class SlowHost(Failure):
    """Everything takes longer, heartbeats do not (a gray failure)."""

    passes: ClassVar[bool] = True

    factor: Annotated[Number, Field(ge=1)] = 10.0
    """How many times as long everything takes: slow-host, link-slow. Those that act at once multiply."""

    @property
    def slowdown(self) -> float:
        """How many times as long everything takes on the host."""
        return self.factor

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Slow the host down."""
        del report
        part.begin_slowdown(self.factor)
        return partial(part.end_slowdown, self.factor)
