"""Fencing by power."""

from collections import defaultdict

import numpy as np
import simpy

from vmfailover.failover.fencing.fencing import Answer, part_of
from vmfailover.failover.fencing.stonith import StonithSettings
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing


class Stonith:
    """Switches the victim's power off, which may need several orders."""

    def __init__(self, env: simpy.Environment, spec: Fencing, random: np.random.Generator) -> None:
        """Give no order yet; `random` decides which orders fail, and a stream of its own when they arrive."""
        self.env = env
        self._spec = StonithSettings.of(spec)
        self._random = random
        self._ways = random.spawn(1)[0]
        self._devices: dict[str, simpy.Resource] = defaultdict(lambda: simpy.Resource(env))

    def fence(self, victim: Host, by: Host) -> Answer:
        """Switch off, wait for the confirmation, and try again if there is none."""
        for _ in range(self._spec.attempts):
            way_ns = part_of(self._spec.delay, self._ways)
            yield self.env.timeout(way_ns)
            if (yield self.env.process(self._carry_out(victim, by, self._spec.delay - way_ns))):
                return True
        return False

    def _carry_out(self, victim: Host, by: Host, takes_ns: int) -> Answer:
        """On the device: switch off as soon as it is free, unless the session with the sender has ended by then."""
        with self._devices[victim.name if self._spec.devices == "each" else ""].request() as turn:
            yield turn
            if not by.up:
                return False
            yield self.env.timeout(takes_ns)
        if self._random.random() < self._spec.failure_probability:
            return False
        victim.crash()
        return True
