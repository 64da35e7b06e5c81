"""What every detector is to the rest of the simulation."""

from collections.abc import Generator, Sequence
from typing import Any, Self

import numpy as np
import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.failover.detection.messages import FailureReport
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.records.events import Kind
from vmfailover.scenario.detection import Detection

#: Steps that end with an answer: whether a stage has been passed.
Verdict = Generator[simpy.Event, Any, bool]


class Detector:
    """Watches one host from another; `declared` happens with the verdict that it is gone.

    A verdict may take several stages: what the first suspects the later ones doubt for a while. Whoever is heard again
    until the last of them has ended is forgiven, and detection begins anew.
    """

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
        #: Takes, on the watcher, what the watched host sends.
        self.endpoint = Endpoint(watcher)
        self.endpoint.on(FailureReport, self._take_report)
        self._event_log: EventLog | None = None
        self._sign: simpy.Event | None = None

    def __repr__(self) -> str:
        """Return who watches whom, and the verdict."""
        verdict = "gave it up" if self.declared.triggered else "hears it"
        return f"<{type(self).__name__} on {self.watcher.name} watches {self.watched.name}: {verdict}>"

    @classmethod
    def connect(cls, detectors: Sequence[Self], random: np.random.Generator) -> None:
        """Let the detectors of one end, or of both, begin what they have in common: nothing, if not said otherwise."""
        del detectors, random

    @property
    def longest_ns(self) -> int:
        """Time within which the verdict on a host falls that is silent from now on, if it ever does, nanoseconds."""
        return self.spec.longest_ns

    def write_to(self, event_log: EventLog) -> None:
        """Write down `suspect` when a stage of doubt begins, and `forgive` if the host is heard again in it."""
        self._event_log = event_log

    def suspect(self, stage: str) -> None:
        """Write down that a stage of doubt begins, with the number of stages that the host has not passed before it."""
        names = [each.name for each in self.spec.stages]
        self._tell(Kind.SUSPECT, names.index(stage) if stage in names else len(names))

    def forgive(self) -> None:
        """Write down that the host is heard again in a stage of doubt."""
        self._tell(Kind.FORGIVE)

    def _tell(self, kind: Kind, count: int = 0) -> None:
        """Write down what is thought of the watched host, if anybody keeps a log."""
        if self._event_log is not None:
            self._event_log.record(kind, self.watcher.name, count=count, detail=self.watched.name)

    def declare(self) -> None:
        """Give the verdict, unless it has been given."""
        if not self.declared.triggered:
            self.declared.succeed()

    def notice(self) -> None:
        """Take a sign of life, of whatever kind."""
        if self._sign is not None and not self._sign.triggered:
            self._sign.succeed()

    def doubt(self, stage_ns: int, stage: str = "confirmation") -> Verdict:
        """Listen for a stage of doubt; return False as soon as there is a sign of life, True if there is none."""
        if not stage_ns:
            return True
        self.suspect(stage)
        sign = self._sign = self.env.event()
        yield sign | self.env.timeout(stage_ns)
        if sign.triggered:
            self.forgive()
        return not sign.triggered

    def _take_report(self, report: FailureReport) -> None:
        del report
        self.declare()
