"""How the secondary learns that the primary is gone: heartbeats over the replication link."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

Steps = Generator[simpy.Event, Any, None]


class HeartbeatDetector:
    """Declares the primary dead when no heartbeat has arrived for the timeout."""

    def __init__(self, env: simpy.Environment, spec: Detection, primary: Host, secondary: Host) -> None:
        """Watch `primary` from `secondary`; `declared` happens with the verdict."""
        self.env = env
        self._spec = spec
        self._primary = primary
        #: Not before the first heartbeat can arrive.
        self._heard_ns = primary.out.spec.latency
        self.heartbeats = 0
        self.declared: simpy.Event = env.event()
        primary.run_agent(self._send())
        secondary.run_agent(self._listen())

    def _send(self) -> Steps:
        while True:
            self._primary.out.send_datagram(self._spec.message, self._hear)
            yield self.env.timeout(self._spec.interval)

    def _hear(self) -> None:
        self.heartbeats += 1
        self._heard_ns = int(self.env.now)

    def _listen(self) -> Steps:
        while (left := self._heard_ns + self._spec.timeout - int(self.env.now)) > 0:
            yield self.env.timeout(left)
        if not self.declared.triggered:
            self.declared.succeed()
