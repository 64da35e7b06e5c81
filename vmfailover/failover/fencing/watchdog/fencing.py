"""Fencing by the other host's own watchdog."""

import numpy as np
import simpy

from vmfailover.failover.fencing.fencing import Answer
from vmfailover.failover.fencing.watchdog import WatchdogSettings
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing


class WatchdogFencing:
    """Waits, with quorum, until the victim's watchdog must have reset it; nobody makes sure that it has one."""

    def __init__(self, env: simpy.Environment, spec: Fencing, random: np.random.Generator) -> None:
        """Wait for nobody yet."""
        del random
        self.env = env
        self._wait_ns = WatchdogSettings.of(spec).wait

    def fence(self, victim: Host, by: Host) -> Answer:
        """Wait."""
        del victim, by
        yield self.env.timeout(self._wait_ns)
        return True
