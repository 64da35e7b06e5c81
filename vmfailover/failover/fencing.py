"""What makes sure that the VM no longer runs on a host given up for dead."""

from collections.abc import Generator
from typing import Any, Protocol

import simpy

from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing as FencingSpec

Steps = Generator[simpy.Event, Any, None]


class Fencing(Protocol):
    """One way to fence."""

    def fence(self, host: Host) -> Steps:
        """Return when the host can do no more harm, as far as this way ensures it."""


class Stonith:
    """Switches the host's power off."""

    def __init__(self, env: simpy.Environment, delay_ns: int) -> None:
        """Need `delay_ns` from the order to the certainty."""
        self.env = env
        self._delay_ns = delay_ns

    def fence(self, host: Host) -> Steps:
        """Switch off, wait for the confirmation."""
        yield self.env.timeout(self._delay_ns)
        host.crash()


class NoFencing:
    """Trusts the detector: if it is wrong, both hosts run the VM."""

    def fence(self, host: Host) -> Steps:
        """Return at once."""
        del host
        return
        yield


def new_fencing(env: simpy.Environment, spec: FencingSpec) -> Fencing:
    """Return the fencing that a scenario asks for."""
    return NoFencing() if spec.kind == "none" else Stonith(env, spec.delay)
