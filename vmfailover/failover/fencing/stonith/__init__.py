"""Fencing by power: settings."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vmfailover.scenario.failover import Fencing
from vmfailover.scenario.record import Count, written
from vmfailover.scenario.units import Duration, Fraction


class StonithSettings(Fencing):
    """The other host's power is switched off."""

    code: ClassVar[str] = f"{__name__}.fencing:Stonith"

    devices: Literal["each", "one"] = "each"
    """Of stonith: whether each host has a device that switches it off, so that two hosts can shoot each other, orders
    under way outliving their senders, or one device does it for both, which carries out no order of a sender that is
    off by then."""
    spread: Duration = written("0 ns")
    """Of stonith: longest time that a host needs to give an order, as to log in at the device, as chance decides for
    each, in nanoseconds; a host that is off by then gives none. Assumed."""
    failure_probability: Fraction = written("0 %")
    """Share of the orders of stonith that do not succeed."""
    attempts: Annotated[Count, Field(le=1000)] = 3
    """Orders of stonith, one after the other, after which the VM is not taken over. Assumed."""

    @property
    def orders_ns(self) -> int:
        """Time of all orders, where they can fail."""
        return (self.spread + super().orders_ns) * (self.attempts if self.failure_probability else 1)
