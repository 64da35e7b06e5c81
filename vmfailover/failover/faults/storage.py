"""Faults of the storage that hosts share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from vmfailover.engine.steps import Steps
from vmfailover.failover.faults.hosts import ReportedVmCrash
from vmfailover.records.planes import Plane, Way
from vmfailover.scenario.failover import Failure, Undo
from vmfailover.scenario.record import written
from vmfailover.scenario.units import Duration

if TYPE_CHECKING:
    from vmfailover.hardware.host import Host

_STORAGE = tuple((Plane.STORAGE, way) for way in Way)


class StorageLoss(ReportedVmCrash):
    """The array says that the VM's storage is gone for good, and the host ends the VM."""

    happened: ClassVar[str] = "lost its storage for good"


class AllPathsDown(Failure):
    """The VM's host does not reach the storage, and ends the VM if that lasts; until then it runs from memory."""

    targets: ClassVar[tuple[str, ...]] = ("primary", "active")
    passes: ClassVar[bool] = True
    fatal: ClassVar[bool] = True
    happened: ClassVar[str] = "lost all paths to its storage"

    paths_timeout: Duration = written("140 s")
    """all-paths-down: time without any path after which the host takes them for lost, in nanoseconds. vSphere
    (Misc.APDTimeout)."""
    restart_delay: Duration = written("180 s")
    """all-paths-down: time from then until the host ends the VM and reports that, so that it restarts elsewhere, in
    nanoseconds. vSphere (das.vmReactionOnAPD, delay for VM failover)."""

    @property
    def reported_ns(self) -> int:
        """Time of both timeouts."""
        return self.paths_timeout + self.restart_delay

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Cut the host off its storage, and let it wait for a path."""
        over: list[bool] = []

        def wait() -> Steps:
            yield part.env.timeout(self.reported_ns)
            if not over:
                part.stop()
                report(part.name)

        def undo() -> None:
            over.append(True)
            part.planes.restore(_STORAGE)

        part.planes.cut(_STORAGE)
        part.run_agent(wait())
        return undo
