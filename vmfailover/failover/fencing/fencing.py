"""What makes sure that the VM no longer runs on a host given up for dead.

Two hosts may fence each other at once. Who wins is decided by when each order arrives, which is chance, and by the
delays that hosts keep before. An order to switch off that has been given outlives the host that has given it, unless
both orders go to one device; a request to a disk or a witness does not, if its host is down before it arrives.
"""

from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
import simpy

from vmfailover.errors import InputError
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing as FencingSpec
from vmfailover.scenario.kinds import code_of

#: Returns whether the host that fences may run the VM from now on.
Answer = Generator[simpy.Event, Any, bool]


class Fencing(Protocol):
    """One way to fence, which both hosts share."""

    def fence(self, victim: Host, by: Host) -> Answer:
        """Return when the victim can do no more harm, as far as this way ensures it, or `by` must not go on."""


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
        yield self.env.timeout(own_ns + part_of(self._spec.random_delay, self._random))
        return (yield from self._fencing.fence(victim, by))


def new_fencing(env: simpy.Environment, spec: FencingSpec, random: np.random.Generator) -> Fencing:
    """Return the fencing that a scenario asks for; raise InputError if its code cannot be imported, or is none."""
    kind = code_of(spec)
    if not (isinstance(kind, type) and hasattr(kind, "fence")):
        raise InputError(f"{spec.kind}: {spec.code!r} is not a class that can fence")
    fencing: Fencing = kind(env, spec, random)
    if spec.host_delay or spec.random_delay:
        return Delayed(env, fencing, spec, random.spawn(1)[0])
    return fencing


def part_of(time_ns: int, random: np.random.Generator) -> int:
    """Return a part of a time, all being as likely."""
    return int(random.integers(0, time_ns, endpoint=True))
