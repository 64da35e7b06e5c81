"""Faults of the network, as relations between a host and whom it exchanges messages with."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from vmfailover.records.planes import Plane, Way
from vmfailover.scenario.failover import Failure, Undo
from vmfailover.scenario.units import NoneText

if TYPE_CHECKING:
    from vmfailover.hardware.host import Host


class CutOff(Failure):
    """A host that is up loses relations."""

    passes: ClassVar[bool] = True

    one_way: Annotated[Literal["in", "out"] | None, NoneText] = None
    """network-loss, isolation: the way on which messages of the planes are lost, as the host sees it, or none for both.
    Of the witness, the power control and the storage either way is as good as both, since each has to answer."""

    @property
    def cut_planes(self) -> tuple[Plane, ...]:
        """The planes that are cut."""
        return tuple(Plane)

    def strike(self, part: "Host", report: Callable[[str], None]) -> Undo | None:
        """Cut the relations of the host."""
        del report
        ways = tuple(Way) if self.one_way is None else (Way(self.one_way),)
        relations = [(plane, way) for plane in dict.fromkeys(self.cut_planes) for way in ways]
        part.planes.cut(relations)
        return partial(part.planes.restore, relations)


class NetworkLoss(CutOff):
    """A host loses some of the planes of its network."""

    planes: Annotated[
        tuple[Literal["replication", "clients", "witness", "power", "storage"], ...], Field(min_length=1)
    ] = ("replication",)
    """network-loss: which relations of the host are cut: to the other hosts (replication), to the users of the VM
    (clients), to the third party that votes (witness), to what switches the other hosts off (power), to the storage
    that they share (storage)."""

    @property
    def cut_planes(self) -> tuple[Plane, ...]:
        """Those that the scenario names."""
        return tuple(map(Plane, self.planes))


class Isolation(CutOff):
    """A host loses all planes of its network, and with them its service."""

    fatal: ClassVar[bool] = True
    happened: ClassVar[str] = "was isolated"
