"""Heartbeats over the replication link."""

import numpy as np
import simpy

from vmfailover.failover.detection.detector import Detector, Steps
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


class HeartbeatDetector(Detector):
    """Declares a host dead when no heartbeat has arrived for a timeout."""

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let `watched` send, and `watcher` listen."""
        super().__init__(env, spec, watched, watcher, random)
        #: When the last heartbeat arrived; not before the first one can.
        self.heard_ns = int(env.now) + watched.out.spec.latency
        #: When each heartbeat arrived, nanoseconds.
        self.heartbeats_ns: list[int] = []
        watched.run_agent(self._send())
        watcher.run_agent(self._listen())

    @property
    def patience_ns(self) -> int:
        """Silence after which the host is taken for dead now, nanoseconds."""
        return self.spec.timeout

    def hear(self) -> None:
        """Take a heartbeat as it arrives."""
        self.heard_ns = int(self.env.now)
        self.heartbeats_ns.append(self.heard_ns)

    def _send(self) -> Steps:
        while True:
            self.watched.out.send_datagram(self.spec.message, self.hear)
            yield self.env.timeout(self.spec.interval)

    def _listen(self) -> Steps:
        yield from self.wait_for_silence()
        yield self.env.timeout(self.spec.confirmation)
        self.declare()

    def wait_for_silence(self) -> Steps:
        """Wait until nothing has been heard for longer than the patience lasts."""
        while (left := self.heard_ns + self.patience_ns - int(self.env.now)) > 0:
            yield self.env.timeout(left)
