"""What makes sure that the VM no longer runs on a host given up for dead.

Two hosts may fence each other at once. Who wins is decided by when each order arrives, which is chance, and by the
delays that hosts keep before. An order to switch off that has been given outlives the host that has given it, unless
both orders go to one device; a request to a disk or a witness does not, if its host is down before it arrives.
"""

from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
import simpy

from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing as FencingSpec

#: Returns whether the host that fences may run the VM from now on.
Answer = Generator[simpy.Event, Any, bool]


class Fencing(Protocol):
    """One way to fence, which both hosts share."""

    def fence(self, victim: Host, by: Host) -> Answer:
        """Return when the victim can do no more harm, as far as this way ensures it, or `by` must not go on."""


class Stonith:
    """Switches the victim's power off, which may need several orders.

    Each takes the same time until its confirmation, and finds the victim at any instant before that.
    """

    def __init__(self, env: simpy.Environment, spec: FencingSpec, random: np.random.Generator) -> None:
        """Give no order yet; `random` decides which orders fail, and a stream of its own when they arrive."""
        self.env = env
        self._spec = spec
        self._random = random
        self._ways = random.spawn(1)[0]

    def fence(self, victim: Host, by: Host) -> Answer:
        """Switch off, wait for the confirmation, and try again if there is none."""
        for _ in range(self._spec.attempts):
            way_ns = _part(max(0, self._spec.delay - 1), self._ways)
            carried_out = yield self.env.process(self._carry_out(victim, by, way_ns))
            yield self.env.timeout(self._spec.delay - way_ns)
            if carried_out:
                return True
        return False

    def _carry_out(self, victim: Host, by: Host, way_ns: int) -> Answer:
        """Between the hosts and on the device: switch off when the order arrives."""
        yield self.env.timeout(way_ns)
        if self._spec.devices == "one" and not by.up:
            return False
        if self._random.random() < self._spec.failure_probability:
            return False
        victim.crash()
        return True


class Arbiter:
    """Gives one of two hosts the right to run the VM: the first whose request arrives, for ever."""

    def __init__(self, env: simpy.Environment, delay_ns: int, lease_ns: int, random: np.random.Generator) -> None:
        """Answer `delay_ns` after a request leaves; a host that has not got the right stops within `lease_ns` more."""
        self.env = env
        self._delay_ns = delay_ns
        self._lease_ns = lease_ns
        self._ways = random
        self._holder: Host | None = None

    def fence(self, victim: Host, by: Host) -> Answer:
        """Ask for the right; with it, wait until the victim must have stopped, without it, stop."""
        way_ns = _part(self._delay_ns, self._ways)
        yield self.env.timeout(way_ns)
        if self._holder is None:
            self._holder = by
        yield self.env.timeout(self._delay_ns - way_ns)
        if self._holder is not by:
            by.stop()
            return False
        yield self.env.timeout(self._lease_ns)
        victim.stop()
        return True


class NoFencing:
    """Trusts the detector: if it is wrong, both hosts run the VM."""

    def fence(self, victim: Host, by: Host) -> Answer:
        """Return at once."""
        del victim, by
        return True
        yield


class Delayed:
    """Lets a host wait before it fences, lest two shoot each other: for its own time, and for one left to chance."""

    def __init__(
        self, env: simpy.Environment, fencing: Fencing, spec: FencingSpec, random: np.random.Generator
    ) -> None:
        """Put the delays of `spec` before a way to fence."""
        self.env = env
        self._fencing = fencing
        self._spec = spec
        self._random = random

    def fence(self, victim: Host, by: Host) -> Answer:
        """Wait, and fence."""
        own_ns = self._spec.host_delay.get(by.name, 0)
        yield self.env.timeout(own_ns + _part(self._spec.random_delay, self._random))
        return (yield from self._fencing.fence(victim, by))


def new_fencing(env: simpy.Environment, spec: FencingSpec, random: np.random.Generator) -> Fencing:
    """Return the fencing that a scenario asks for."""
    fencing = _kind(env, spec, random)
    if spec.host_delay or spec.random_delay:
        return Delayed(env, fencing, spec, random.spawn(1)[0])
    return fencing


def _kind(env: simpy.Environment, spec: FencingSpec, random: np.random.Generator) -> Fencing:
    if spec.kind == "none":
        return NoFencing()
    if spec.kind == "stonith":
        return Stonith(env, spec, random)
    return Arbiter(env, spec.delay, spec.lease if spec.kind == "witness" else 0, random)


def _part(time_ns: int, random: np.random.Generator) -> int:
    """Return a part of a time, all being as likely."""
    return int(random.integers(0, time_ns, endpoint=True))
