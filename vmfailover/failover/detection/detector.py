"""What every detector is to the rest of the simulation."""

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

Steps = Generator[simpy.Event, Any, None]


class Detector:
    """Watches one host from another; `declared` happens with the verdict that it is gone."""

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Watch nothing yet."""
        self.env = env
        self.spec = spec
        self.watched = watched
        self.watcher = watcher
        self.random = random
        self.declared: simpy.Event = env.event()

    def declare(self) -> None:
        """Give the verdict, unless it has been given."""
        if not self.declared.triggered:
            self.declared.succeed()
