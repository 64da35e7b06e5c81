"""Fencing by a right that one of two hosts gets."""

import numpy as np
import simpy

from vmfailover.failover.fencing.arbiter import ArbiterSettings
from vmfailover.failover.fencing.fencing import Answer, part_of
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing


class Arbiter:
    """Gives one of two hosts the right to run the VM: the first whose request arrives, for ever."""

    def __init__(self, env: simpy.Environment, spec: Fencing, random: np.random.Generator) -> None:
        """Answer a delay after a request leaves; a host that has not got the right stops within its lease more."""
        self.env = env
        self._delay_ns = spec.delay
        settings = ArbiterSettings.of(spec)
        self._lease_ns, self._plane = settings.lease_ns, settings.plane
        self._ways = random
        self._holder: Host | None = None

    def fence(self, victim: Host, by: Host) -> Answer:
        """Ask for the right; with it, wait until the victim must have stopped, without it, or an answer, stop."""
        way_ns = part_of(self._delay_ns, self._ways)
        yield self.env.timeout(way_ns)
        asked = by.planes.reaches(self._plane)
        if asked and self._holder is None:
            self._holder = by
        yield self.env.timeout(self._delay_ns - way_ns)
        if not asked:
            yield self.env.timeout(self._lease_ns)
        if not asked or self._holder is not by:
            by.stop()
            return False
        yield self.env.timeout(self._lease_ns)
        victim.stop()
        return True
