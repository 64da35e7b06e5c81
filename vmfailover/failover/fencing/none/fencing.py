"""No fencing."""

import numpy as np
import simpy

from vmfailover.failover.fencing.fencing import Answer
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing


class NoFencing:
    """Trusts the detector: if it is wrong, both hosts run the VM."""

    def __init__(self, env: simpy.Environment, spec: Fencing, random: np.random.Generator) -> None:
        """Do nothing."""

    def fence(self, victim: Host, by: Host) -> Answer:
        """Return at once."""
        del victim, by
        yield from ()
        return True
