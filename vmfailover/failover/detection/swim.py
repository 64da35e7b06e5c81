"""SWIM (Das, Gupta, Motivala, DSN 2002): members probe each other at random."""

import numpy as np
import simpy

from vmfailover.failover.detection.detector import Detector, Steps
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


class SwimDetector(Detector):
    """Declares a host dead when a member has probed it, directly and through others, and had no answer.

    Each member probes one other, any, in each period, at an instant of its own. The members beside the two hosts are
    well, and reach every host over networks of their own.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let the members probe; the first of them is `watcher`."""
        super().__init__(env, spec, watched, watcher, random)
        self._offsets = random.integers(0, spec.swim.period, spec.swim.members - 1)
        env.process(self._probe_for_ever())

    def _probe_for_ever(self) -> Steps:
        swim, begun_ns = self.spec.swim, int(self.env.now)
        while not self.declared.triggered:
            chosen = self.random.integers(0, swim.members - 1, swim.members - 1) == 0
            for prober in np.flatnonzero(chosen)[np.argsort(self._offsets[chosen], kind="stable")].tolist():
                yield self.env.timeout(max(0, begun_ns + int(self._offsets[prober]) - int(self.env.now)))
                self.env.process(self._probe(prober))
            begun_ns += swim.period
            yield self.env.timeout(max(0, begun_ns - int(self.env.now)))

    def _probe(self, prober: int) -> Steps:
        """Probe directly, then through others; what has not answered by then is suspected, and declared dead."""
        if self._answers(prober, through_others=False):
            return
        yield self.env.timeout(self.spec.swim.probe_timeout)
        if self._answers(prober, through_others=True):
            return
        yield self.env.timeout(self.spec.swim.probe_timeout + self.spec.swim.suspicion)
        if self._answers(prober, through_others=True):
            return
        yield self.env.timeout((self.spec.swim.dissemination if prober else 0) + self.spec.confirmation)
        if self.watcher.up:
            self.watcher.accept(self.declare)

    def _answers(self, prober: int, *, through_others: bool) -> bool:
        """Say whether a probe would be answered now."""
        if not self.watched.up or self.watched.frozen:
            return False
        others = through_others and self.spec.swim.indirect > 0 and self.spec.swim.members > 2
        of_the_link = prober == 0 and not others
        return not (of_the_link and (self.watched.out.is_cut or self.watcher.out.is_cut))
