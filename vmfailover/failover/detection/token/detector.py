"""Totem, as Corosync has it: a token that does not come back, and a new membership without whoever does not join."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.detector import Verdict
from vmfailover.failover.detection.messages import SignOfLife
from vmfailover.failover.detection.silence import SilenceDetector
from vmfailover.failover.detection.token import TokenSettings
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection


@dataclass(frozen=True, slots=True)
class Token:
    """The token, on its way to the other host or back, in its `number`-th round."""

    number: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A host asks who joins the next membership."""

    payload_bytes: int


class TokenDetector(SilenceDetector):
    """Declares the other host dead when the token is lost, and that host does not join the next membership.

    From the loss of the token on the watcher asks again and again who joins, until the consensus timeout has passed and
    the new membership stands. A host that answers is in it: it is forgiven.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Wait for the token, which a `Ring` lets circulate."""
        super().__init__(env, spec, watched, watcher, random)
        self._token = TokenSettings.of(spec).token
        self._peer: TokenDetector | None = None
        self._called = env.event()
        self._asked = Endpoint(watched)
        self._asked.on(JoinRequest, self._answer)
        watcher.run_agent(self.listen())

    @classmethod
    def connect(cls, detectors: Sequence[Self], random: np.random.Generator) -> None:
        """Let the token circulate."""
        Ring(detectors, random)

    @property
    def patience_ns(self) -> int:
        """Time without the token after which it is lost, nanoseconds."""
        return self._token.timeout_ns

    def wait_for_silence(self) -> Steps:
        """Wait until the token is lost here, or the other host asks for a new membership because it is lost there."""
        self._called = self.env.event()
        while not self._called.triggered and (left := self.heard_ns + self.patience_ns - int(self.env.now)) > 0:
            yield self._called | self.env.timeout(left)

    def stays_silent(self) -> Verdict:
        """Ask who joins for as long as it takes to form a membership and to confirm it; return whether nobody did."""
        asking = self.watcher.run_agent(self._ask())
        stages = {
            "consensus": self._token.consensus_ns,
            "membership": self._formation_ns(),
            "confirmation": self.spec.confirmation,
        }
        silent = yield from self._doubt_all(stages)
        if asking.is_alive:
            asking.interrupt()
        return silent

    def _doubt_all(self, stages: Mapping[str, int]) -> Verdict:
        for stage, stage_ns in stages.items():
            if not (yield from self.doubt(stage_ns, stage)):
                return False
        return True

    def _ask(self) -> Steps:
        while True:
            self.watcher.out.send_datagram(JoinRequest(self.spec.message), self._asked)
            yield self.env.timeout(self._token.join)

    def _answer(self, request: JoinRequest) -> None:
        """On the host that is asked: join, and ask too if the token has not been there for too long."""
        del request
        if self._peer is not None:
            self._peer.call()
        self.watched.out.send_datagram(SignOfLife(self.spec.message), self.endpoint)

    def know(self, peer: "TokenDetector") -> None:
        """Let `peer` be how the watched host watches this one."""
        self._peer = peer

    def call(self) -> None:
        """Give the token up for lost if it should have come again by now."""
        overdue = int(self.env.now) - self.heard_ns > self._token.retransmission_ns
        if overdue and not self._called.triggered:
            self._called.succeed()

    def _formation_ns(self) -> int:
        """Return how long survivors need to agree and to form a membership; a single one has nobody to agree with."""
        token = self._token
        if token.members == 2:
            return 0
        further_rounds = int(self.random.geometric(1 - token.disagreement)) - 1
        return token.reform + further_rounds * token.join


class Ring:
    """The token: one host holds it for a while, passes it on to the other, and has it back at once.

    What is lost on the way is sent again. Where the token is when the run begins is chance.
    """

    def __init__(self, detectors: Sequence[TokenDetector], random: np.random.Generator) -> None:
        """Let the token of one detector or of both circulate, held by the host that the first of them watches."""
        env, spec = detectors[0].env, detectors[0].spec
        self.env = env
        self._spec = spec
        self._token = TokenSettings.of(spec).token
        self._holder, self._other = detectors[0].watched, detectors[0].watcher
        self._of_holder = [each for each in detectors if each.watcher is self._holder]
        self._of_other = [each for each in detectors if each.watcher is self._other]
        if len(detectors) == 2:
            detectors[0].know(detectors[1])
            detectors[1].know(detectors[0])
        self._at_holder, self._at_other = Endpoint(self._holder), Endpoint(self._other)
        self._at_holder.on(Token, self._take_back)
        self._at_other.on(Token, self._pass_on)
        self._number = 0
        self._passed = 0
        self._back = env.event()
        self._holder.run_agent(self._hold(int(random.integers(0, self._token.hold_ns + 1))))

    def _hold(self, first_ns: int) -> Steps:
        yield self.env.timeout(first_ns)
        while True:
            self._number += 1
            self._back = self.env.event()
            while not self._back.triggered:
                self._holder.out.send_datagram(Token(self._number, self._spec.message), self._at_other)
                yield self._back | self.env.timeout(self._token.retransmission_ns)
            yield self.env.timeout(self._token.hold_ns)

    def _pass_on(self, token: Token) -> None:
        """Give the token back, on the other host; one that has been there before is not news."""
        if token.number > self._passed:
            self._passed = token.number
            _hear(self._of_other)
        self._other.out.send_datagram(token, self._at_holder)

    def _take_back(self, token: Token) -> None:
        if token.number == self._number and not self._back.triggered:
            self._back.succeed()
            _hear(self._of_holder)


def _hear(detectors: Iterable[TokenDetector]) -> None:
    for detector in detectors:
        detector.hear()
