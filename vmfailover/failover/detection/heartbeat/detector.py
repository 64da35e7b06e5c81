"""Heartbeats over the replication link."""

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.messages import SignOfLife
from vmfailover.failover.detection.silence import SilenceDetector
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


class HeartbeatDetector(SilenceDetector):
    """Declares a host dead when no heartbeat has arrived for a timeout."""

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let `watched` send, and `watcher` listen."""
        super().__init__(env, spec, watched, watcher, random)
        #: When each heartbeat arrived, nanoseconds.
        self.heartbeats_ns: list[int] = []
        watched.run_agent(self._send())
        watcher.run_agent(self.listen())

    @property
    def patience_ns(self) -> int:
        """Silence after which the host is suspected now, nanoseconds."""
        return self.spec.timeout

    def hear(self) -> None:
        """Take a heartbeat as it arrives."""
        super().hear()
        self.heartbeats_ns.append(self.heard_ns)

    def _send(self) -> Steps:
        while True:
            self.watched.out.send_datagram(SignOfLife(self.spec.message), self.endpoint)
            yield self.env.timeout(self.spec.interval)
