"""Sentinels, as Redis has them: each pings the host, and a quorum has to find it down."""

from dataclasses import dataclass

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.messages import FailureReport
from vmfailover.failover.detection.sentinel import SentinelSettings
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


@dataclass(frozen=True, slots=True)
class Ping:
    """A sentinel asks whether the host lives, over a network of its own."""

    sender: int
    payload_bytes: int = 0


class SentinelDetector(Detector):
    """Declares a host dead when as many sentinels as the quorum find it down, and one of them looks again.

    A sentinel pings the host some time after its last answer, and finds it down when a ping has not been answered for
    `down_after`. One whose connection is closed, as by a process that dies, opens it anew and pings at its next look.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let the sentinels look from now on."""
        super().__init__(env, spec, watched, watcher, random)
        self._settings = SentinelSettings.of(spec).sentinel
        members = range(self._settings.members)
        self._answered_ns = [int(env.now) for _ in members]
        #: When each sentinel sent the first ping that has not been answered.
        self._pinged_ns: list[int | None] = [None for _ in members]
        self._down: set[int] = set()
        #: The sentinel that completed the quorum.
        self._leader: int | None = None
        self._pings = Endpoint(watched)
        self._pings.on(Ping, self._answer)
        for member in members:
            env.process(self._watch(member))

    def _watch(self, member: int) -> Steps:
        yield self.env.timeout(int(self.random.integers(0, self._settings.most_tick, endpoint=True)))
        while not self.declared.triggered:
            if member == self._leader:
                yield from self._confirm()
            self._ping_if_due(member)
            self._judge(member)
            tick = self._settings.least_tick, self._settings.most_tick
            yield self.env.timeout(int(self.random.integers(*tick, endpoint=True)))

    def _ping_if_due(self, member: int) -> None:
        due = int(self.env.now) - self._answered_ns[member] >= self._settings.ping_ns
        if self._pinged_ns[member] is None and (due or self._closed):
            self._pinged_ns[member] = int(self.env.now)
            self._pings.receive(Ping(member))

    @property
    def _closed(self) -> bool:
        """Whether the host has closed its connections: it could still say so when its VM died."""
        return not self.watched.up and not self.watched.out.severed

    def _judge(self, member: int) -> None:
        pinged_ns = self._pinged_ns[member]
        if pinged_ns is None or member in self._down or int(self.env.now) - pinged_ns <= self._settings.down_after:
            return
        if not self._down:
            self.suspect("agreement")
        self._down.add(member)
        if len(self._down) == self._settings.quorum:
            self._leader = member

    def _answer(self, ping: Ping) -> None:
        """On the host: answer at once."""
        self._answered_ns[ping.sender], self._pinged_ns[ping.sender] = int(self.env.now), None
        if ping.sender in self._down:
            self._down.remove(ping.sender)
            self._leader = None
            if not self._down:
                self.forgive()
        self.notice()

    def _confirm(self) -> Steps:
        """Wait until nobody has heard the host for the confirmation, and let the watcher know."""
        if (yield from self.doubt(self.spec.confirmation)) and self.watcher.up:
            self.endpoint.receive(FailureReport(0))
