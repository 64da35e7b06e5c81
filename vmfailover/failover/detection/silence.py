"""Silence as the sign of a failure: what detectors that listen have in common."""

from abc import abstractmethod

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.detector import Detector, Verdict
from vmfailover.failover.detection.messages import SignOfLife
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


class SilenceDetector(Detector):
    """Suspects a host that has not been heard for longer than its patience lasts, and declares it dead if it stays so.

    A subclass has `watcher` run `listen`, and `watched` send signs of life to `endpoint`, or calls `hear` for each.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Have heard nothing, and expect nothing before the first message can have arrived."""
        super().__init__(env, spec, watched, watcher, random)
        #: When the host was heard last, nanoseconds.
        self.heard_ns = int(env.now) + watched.out.spec.latency
        self.endpoint.on(SignOfLife, self._take_sign)

    @property
    @abstractmethod
    def patience_ns(self) -> int:
        """Silence after which the host is suspected now, nanoseconds."""

    def hear(self) -> None:
        """Take a message as it arrives."""
        self.heard_ns = int(self.env.now)
        self.notice()

    def _take_sign(self, sign: SignOfLife) -> None:
        del sign
        self.hear()

    def listen(self) -> Steps:
        """Wait for a silence that lasts through every stage."""
        silent = False
        while not silent:
            yield from self.wait_for_silence()
            silent = yield from self.stays_silent()
        self.declare()

    def wait_for_silence(self) -> Steps:
        """Wait until nothing has been heard for longer than the patience lasts."""
        while (left := self.heard_ns + self.patience_ns - int(self.env.now)) > 0:
            yield self.env.timeout(left)

    def stays_silent(self) -> Verdict:
        """Pass the stages that follow the first; return whether there was no sign of life in any."""
        return (yield from self.doubt(self.spec.confirmation))
