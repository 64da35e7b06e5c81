"""Heartbeats on two ways, which tell a dead host from a dead network."""

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.failover.detection.witness import WitnessSettings
from vmfailover.hardware.host import Host
from vmfailover.records.planes import Plane
from vmfailover.scenario.detection import Detection


class WitnessDetector(HeartbeatDetector):
    """Declares a host dead when it is silent both on the link and with the witness, a shared disk for example."""

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let `watched` write its heartbeats too."""
        self._witness = WitnessSettings.of(spec).witness
        self._written_ns = int(env.now)
        super().__init__(env, spec, watched, watcher, random)
        watched.run_agent(self._write())

    def _write(self) -> Steps:
        while True:
            if self.watched.planes.reaches(Plane.WITNESS) and self.watcher.planes.reaches(Plane.WITNESS):
                self._written_ns = int(self.env.now)
                self.notice()
            yield self.env.timeout(self._witness.interval)

    def wait_for_silence(self) -> Steps:
        """Wait until both ways are silent at once; the link is listened to again after each look at the witness."""
        while True:
            yield from super().wait_for_silence()
            left = self._written_ns + self._witness.timeout - int(self.env.now)
            if left <= 0:
                return
            yield self.env.timeout(left)
