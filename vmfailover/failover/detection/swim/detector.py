"""SWIM (Das, Gupta, Motivala, DSN 2002): members probe each other at random."""

from dataclasses import dataclass
from itertools import count

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.detector import Detector, Verdict
from vmfailover.failover.detection.messages import FailureReport
from vmfailover.failover.detection.swim import SwimSettings
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


@dataclass(frozen=True, slots=True)
class Probe:
    """A member asks whether the host lives, over whatever network; it weighs nothing on the link."""

    number: int
    payload_bytes: int = 0


class SwimDetector(Detector):
    """Declares a host dead when a member has probed it, directly and through others, and had no answer.

    Each member probes one other, any, in each period, at an instant of its own. The members beside the two hosts are
    well, and reach every host over networks of their own. A suspected host that hears of it refutes.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Let the members probe; the first of them is `watcher`."""
        super().__init__(env, spec, watched, watcher, random)
        self._swim = SwimSettings.of(spec).swim
        self._offsets = random.integers(0, self._swim.period, self._swim.members - 1)
        self._probed = Endpoint(watched)
        self._probed.on(Probe, self._reply)
        #: What happens when each probe that is waited for is answered, by its number.
        self._answered: dict[int, simpy.Event] = {}
        self._probes = count()
        env.process(self._probe_for_ever())

    def _probe_for_ever(self) -> Steps:
        swim, begun_ns = self._swim, int(self.env.now)
        while not self.declared.triggered:
            chosen = self.random.integers(0, swim.members - 1, swim.members - 1) == 0
            for prober in np.flatnonzero(chosen)[np.argsort(self._offsets[chosen], kind="stable")].tolist():
                yield self.env.timeout(max(0, begun_ns + int(self._offsets[prober]) - int(self.env.now)))
                self.env.process(self._probe(prober))
            begun_ns += swim.period
            yield self.env.timeout(max(0, begun_ns - int(self.env.now)))

    def _probe(self, prober: int) -> Steps:
        """Probe directly, then through others; what has not answered by then is suspected, and may refute."""
        swim = self._swim
        for through_others in (False, swim.indirect > 0):
            if (yield from self._answers(prober, swim.probe_timeout, through_others=through_others)):
                return
        if not (yield from self._stays_suspect(prober, swim.suspicion, "suspicion")):
            return
        if prober:
            yield self.env.timeout(swim.dissemination)
        if not (yield from self._stays_suspect(prober, self.spec.confirmation, "confirmation")):
            return
        if self.watcher.up:
            self.endpoint.receive(FailureReport(0))

    def _stays_suspect(self, prober: int, stage_ns: int, stage: str) -> Verdict:
        """Let the host know for a stage, once a period, what is said of it; return whether it has not refuted."""
        if not stage_ns:
            return True
        self.suspect(stage)
        for begun_ns in range(0, stage_ns, self._swim.period):
            listens_ns = min(self._swim.period, stage_ns - begun_ns)
            if (yield from self._answers(prober, listens_ns, through_others=True)):
                self.forgive()
                return False
        return True

    def _answers(self, prober: int, within_ns: int, *, through_others: bool) -> Verdict:
        """Send a message to the host that a member can send; return whether, and as soon as, there is an answer."""
        probe, answer = Probe(next(self._probes)), self.env.event()
        self._answered[probe.number] = answer
        if self._reaches(prober, through_others=through_others):
            self._probed.receive(probe)
        if not answer.triggered:
            yield answer | self.env.timeout(within_ns)
        del self._answered[probe.number]
        return answer.triggered

    def _reply(self, probe: Probe) -> None:
        """On the host: answer at once, if anybody still waits for that."""
        if probe.number in self._answered:
            self._answered[probe.number].succeed()

    def _reaches(self, prober: int, *, through_others: bool) -> bool:
        """Say whether a message of a member would get to the host, and the answer back, if it were sent now."""
        only_the_link = prober == 0 and not (through_others and self._swim.members > 2)
        return not (only_the_link and (self.watched.out.is_cut or self.watcher.out.is_cut))
