"""Fencing by a right that one of two hosts gets: settings."""

from typing import ClassVar

from vmfailover.records.planes import Plane
from vmfailover.scenario.failover import Fencing
from vmfailover.scenario.record import written
from vmfailover.scenario.units import Duration


class ArbiterSettings(Fencing):
    """The first host to ask gets the right to run the VM."""

    code: ClassVar[str] = f"{__name__}.fencing:Arbiter"

    #: The plane of the network on which the right is asked for.
    plane: ClassVar[Plane] = Plane.WITNESS

    @property
    def lease_ns(self) -> int:
        """Time within which a host without the right stops, nanoseconds."""
        return 0


class SharedStorageSettings(ArbiterSettings):
    """A reservation on a disk that both hosts share."""

    plane: ClassVar[Plane] = Plane.STORAGE


class WitnessSettings(ArbiterSettings):
    """The vote of a third party."""

    lease: Duration = written("15 ms")
    """Of witness: time within which a host without the vote stops itself, in nanoseconds. Assumed."""

    @property
    def lease_ns(self) -> int:
        """Time within which a host without the vote stops itself, nanoseconds."""
        return self.lease

    @property
    def one_order_ns(self) -> int:
        """Time until the vote is there and the other host has stopped."""
        return super().one_order_ns + self.lease
