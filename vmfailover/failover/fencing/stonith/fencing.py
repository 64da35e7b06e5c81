"""Fencing by power."""

import numpy as np
import simpy

from vmfailover.failover.fencing.fencing import Answer, part_of
from vmfailover.failover.fencing.stonith import StonithSettings
from vmfailover.hardware.host import Host
from vmfailover.records.planes import Plane
from vmfailover.scenario.failover import Fencing


class Stonith:
    """Switches the victim's power off, which may need several orders.

    Each takes the same time until its confirmation, and finds the victim at any instant before that.
    """

    def __init__(self, env: simpy.Environment, spec: Fencing, random: np.random.Generator) -> None:
        """Give no order yet; `random` decides which orders fail, and a stream of its own when they arrive."""
        self.env = env
        self._spec = StonithSettings.of(spec)
        self._random = random
        self._ways = random.spawn(1)[0]
        self._spreads = self._ways.spawn(1)[0]

    def fence(self, victim: Host, by: Host) -> Answer:
        """Give the order, wait for the confirmation, and try again if there is none."""
        for _ in range(self._spec.attempts):
            if self._spec.spread:
                yield self.env.timeout(part_of(self._spec.spread, self._spreads))
            way_ns = part_of(max(0, self._spec.delay - 1), self._ways)
            carried_out = yield self.env.process(self._carry_out(victim, by, way_ns))
            yield self.env.timeout(self._spec.delay - way_ns)
            if carried_out:
                return True
        return False

    def _carry_out(self, victim: Host, by: Host, way_ns: int) -> Answer:
        """Between the hosts and on the device: switch off when the order arrives."""
        gets_through = by.planes.reaches(Plane.POWER)
        yield self.env.timeout(way_ns)
        if not gets_through:
            return False
        if self._spec.devices == "one" and not by.up:
            return False
        if self._random.random() < self._spec.failure_probability:
            return False
        victim.crash()
        return True
