"""A report of the host's management controller, over a network of its own."""

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.hardware import HardwareSettings
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


class HardwareDetector(Detector):
    """Knows of a host that is down, and of nothing else: neither of a hang nor of the link."""

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Wait for the report."""
        super().__init__(env, spec, watched, watcher, random)
        watcher.run_agent(self._wait())

    def _wait(self) -> Steps:
        yield self.watched.down
        yield self.env.timeout(HardwareSettings.of(self.spec).delay + self.spec.confirmation)
        self.declare()
