"""No fencing: settings."""

from typing import ClassVar

from vmfailover.scenario.failover import Fencing


class NoFencingSettings(Fencing):
    """Nothing, at the risk of two active VMs."""

    code: ClassVar[str] = f"{__name__}.fencing:NoFencing"
    fences: ClassVar[bool] = False
