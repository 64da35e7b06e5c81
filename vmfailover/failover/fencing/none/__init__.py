"""No fencing: settings."""

from typing import ClassVar, Literal

from vmfailover.scenario.failover import Fencing


class NoFencingSettings(Fencing):
    """Nothing, at the risk of two active VMs."""

    code: ClassVar[str] = f"{__name__}.fencing:NoFencing"
    fences: ClassVar[bool] = False

    heal: Literal["none", "yield"] = "none"
    """Of none: how a split brain ends once the hosts hear each other again. none: both go on. yield: the host that has
    taken over advertises that at the interval of detection, and the other gives its VM up when it hears so, as a router
    of VRRP does that has the lower priority."""

    @property
    def one_order_ns(self) -> int:
        """Nothing is waited for."""
        return 0

    @property
    def old_host_yields(self) -> bool:
        """Whether a host gives its VM up when it hears that another one has taken over."""
        return self.heal == "yield"
