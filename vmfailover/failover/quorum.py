"""Votes: which of two hosts that have lost sight of each other may go on, and what the other does."""

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.fencing.fencing import Answer, part_of
from vmfailover.hardware.host import Host
from vmfailover.records.planes import Plane
from vmfailover.scenario.quorum import Quorum as QuorumSpec


class Quorum:
    """What two hosts decide by: the vote of a witness, for ever the first host's that asks, or nothing."""

    def __init__(self, env: simpy.Environment, spec: QuorumSpec, random: np.random.Generator) -> None:
        """Have been asked by nobody yet."""
        self.env = env
        self._spec = spec
        self._random = random
        self._voted_for: Host | None = None

    def vote(self, by: Host) -> Answer:
        """Return whether a host that has given up the other has quorum."""
        if self._spec.kind == "none":
            return True
        way_ns = part_of(self._spec.vote, self._random)
        yield self.env.timeout(way_ns)
        granted = self.may_have_vote(by)
        if granted:
            self._voted_for = by
        yield self.env.timeout(self._spec.vote - way_ns)
        return granted

    def may_have_vote(self, host: Host) -> bool:
        """Whether a host has the vote, or would get it if it asked now."""
        return host.planes.reaches(Plane.WITNESS) and not self.is_voted_out(host)

    def is_voted_out(self, host: Host) -> bool:
        """Whether the other host has the vote, with which it goes on."""
        return self._voted_for not in (None, host)

    def has_quorum(self, host: Host, other: Host) -> bool:
        """Whether a host may go on: the other has not been told so, and it hears that one or the witness is with it."""
        hears = other.up and not other.frozen and not other.out.is_cut
        return not self.is_voted_out(host) and (hears or self._spec.kind == "none" or self.may_have_vote(host))

    def respond(self, host: Host, other: Host) -> Steps:
        """On a host with the VM and without quorum: end the VM as the scenario says, unless it has quorum by then."""
        if self._spec.response == "none":
            return
        yield self.env.timeout(self._spec.delay)
        if self.has_quorum(host, other):
            return
        if self._spec.response == "reset":
            host.crash()
        elif self._spec.response == "shut-down":
            yield self.env.timeout(self._spec.shut_down)
        host.stop()
