"""What makes sure that the VM no longer runs on a host given up for dead."""

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
    """Switches the victim's power off, which may need several orders."""

    def __init__(
        self,
        env: simpy.Environment,
        delay_ns: int,
        failure_probability: float = 0.0,
        attempts: int = 1,
        random: np.random.Generator | None = None,
    ) -> None:
        """Need `delay_ns` from the order to the certainty; `random` decides which orders fail."""
        self.env = env
        self._delay_ns = delay_ns
        self._failure_probability = failure_probability
        self._attempts = attempts
        self._random = random

    def fence(self, victim: Host, by: Host) -> Answer:
        """Switch off, wait for the confirmation, and try again if there is none."""
        del by
        for _ in range(self._attempts):
            yield self.env.timeout(self._delay_ns)
            if self._random is None or self._random.random() >= self._failure_probability:
                victim.crash()
                return True
        return False


class Arbiter:
    """Gives one of two hosts the right to run the VM: the first that asks, for ever."""

    def __init__(self, env: simpy.Environment, delay_ns: int, lease_ns: int = 0) -> None:
        """Answer after `delay_ns`; a host that has not got the right stops within `lease_ns` more."""
        self.env = env
        self._delay_ns = delay_ns
        self._lease_ns = lease_ns
        self._holder: Host | None = None

    def fence(self, victim: Host, by: Host) -> Answer:
        """Ask for the right; with it, wait until the victim must have stopped, without it, stop."""
        yield self.env.timeout(self._delay_ns)
        if self._holder is None:
            self._holder = by
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


def new_fencing(env: simpy.Environment, spec: FencingSpec, random: np.random.Generator) -> Fencing:
    """Return the fencing that a scenario asks for."""
    if spec.kind == "none":
        return NoFencing()
    if spec.kind == "stonith":
        return Stonith(env, spec.delay, spec.failure_probability, spec.attempts, random)
    return Arbiter(env, spec.delay, spec.lease if spec.kind == "witness" else 0)
