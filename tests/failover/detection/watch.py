"""Two hosts, one of which watches the other, or which watch each other."""

from typing import Any

import numpy as np
import simpy
from replication.machinery import new_host

from vmfailover.engine.event_log import EventLog
from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.watching import new_detector, watch_each_other
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

NEVER = -1


def _linked(env: simpy.Environment) -> tuple[Host, Host]:
    return new_host(env, "primary"), new_host(env)


class Pair:
    """A host, the one that watches it, and what is done to the former."""

    def __init__(self, seed: int = 1, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.watched, self.watcher = _linked(self.env)
        spec = Detection.model_validate(keys)
        self.detector: Detector = new_detector(self.env, spec, self.watched, self.watcher, np.random.default_rng(seed))
        self._event_log = EventLog(self.env)
        self.detector.write_to(self._event_log)

    @property
    def told(self) -> list[tuple[int, str]]:
        """What the detector has told, and when, nanoseconds."""
        return [(event.time_ns, event.kind) for event in self._event_log.events]

    def after(self, at_ns: int, what: str, back_ns: int | None = None, within_ns: int = 10**12) -> int:
        """Do something to the host, as `crash`, and return how long after that the verdict comes, if it does in time.

        What is done, `freeze` or `cut`, is taken back after `back_ns`.
        """
        self.env.run(until=at_ns)
        (self.watched.out.cut if what == "cut" else getattr(self.watched, what))()
        if back_ns is not None:
            self.env.run(self.detector.declared | self.env.timeout(back_ns))
            (self.watched.out.restore if what == "cut" else self.watched.thaw)()
        self.env.run(self.detector.declared | self.env.timeout(within_ns))
        return int(self.env.now) - at_ns if self.detector.declared.processed else NEVER


class EachOther:
    """Two hosts that watch each other, and the instants of their verdicts."""

    def __init__(self, seed: int = 1, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.primary, self.secondary = _linked(self.env)
        spec = Detection.model_validate(keys)
        streams = np.random.default_rng(seed)
        self._detectors = watch_each_other(self.env, spec, self.primary, self.secondary, lambda _: streams.spawn(1)[0])
        #: Nanoseconds, by the host that is declared dead.
        self.declared_ns: dict[str, int] = {}
        self._event_log = EventLog(self.env)
        for detector in self._detectors:
            detector.write_to(self._event_log)
            self.env.process(self._note(detector))

    @property
    def told(self) -> list[str]:
        """What the detectors have told, in order."""
        return [event.kind for event in self._event_log.events]

    def _note(self, detector: Detector) -> Any:
        yield detector.declared
        self.declared_ns[detector.watched.name] = int(self.env.now)
