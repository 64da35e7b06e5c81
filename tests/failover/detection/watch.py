"""Two hosts, one of which watches the other."""

from typing import Any

import numpy as np
import simpy
from replication.machinery import new_host

from vmfailover.failover.detection import Detector, new_detector
from vmfailover.scenario.detection import Detection

NEVER = -1


class Pair:
    """A host, the one that watches it, and what is done to the former."""

    def __init__(self, seed: int = 1, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.watched, self.watcher = new_host(self.env, "primary"), new_host(self.env)
        self.watched.out.accept = self.watcher.accept
        self.watcher.out.accept = self.watched.accept
        spec = Detection.model_validate(keys)
        self.detector: Detector = new_detector(self.env, spec, self.watched, self.watcher, np.random.default_rng(seed))

    def after(self, at_ns: int, what: str) -> int:
        """Do something to the host, as `crash`, and return how long after that the verdict comes."""
        self.env.run(until=at_ns)
        if what == "cut":
            self.watched.out.cut()
        else:
            getattr(self.watched, what)()
        self.env.run(self.detector.declared | self.env.timeout(10**12))
        return int(self.env.now) - at_ns if self.detector.declared.processed else NEVER
