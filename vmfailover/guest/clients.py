"""The clients of the VM and the network between."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import simpy

from vmfailover.guest.guest import Guest
from vmfailover.scenario.network import Clients as ClientsSpec

#: Random numbers drawn at once.
DRAWS = 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An answer on its way to a client, or there; instants in nanoseconds."""

    request: int
    sent_ns: int
    received_ns: int


class Clients:
    """An open system: requests are sent at random instants, whatever became of the earlier ones."""

    def __init__(self, env: simpy.Environment, spec: ClientsSpec, random: np.random.Generator) -> None:
        """Send nothing yet."""
        self.env = env
        self.spec = spec
        self._random = random
        self._reached: Guest | None = None
        self._unanswered: dict[int, int] = {}
        self.responses: list[Response] = []
        self.requests = 0

    @property
    def received(self) -> list[Response]:
        """The answers that have reached their clients by now."""
        return [response for response in self.responses if response.received_ns <= self.env.now]

    @property
    def unanswered(self) -> int:
        """Requests sent without an answer having come back."""
        return self.requests - len(self.received)

    def connect(self, guest: Guest | None) -> None:
        """Let the network deliver to this guest, or to none.

        A request that has no answer and does not wait in the guest is sent again when its next retry is due; each takes
        twice as long as the one before (RFC 6298, section 5.5).
        """
        self._reached = guest
        if guest is None:
            return
        waiting = {completion.request for completion in guest.server.waiting}
        lost = [request for request in self._unanswered if request not in waiting]
        for request in lost:
            self.env.process(self._send_again(request))

    def run(self) -> Generator[simpy.Event, None, None]:
        """Send requests for ever."""
        for gap in self._gaps():
            yield self.env.timeout(gap)
            request = self.requests
            self.requests += 1
            self._unanswered[request] = int(self.env.now) - self.spec.latency
            self._deliver(request)

    def respond(self, request: int) -> None:
        """Take an answer that leaves the VM's host now."""
        sent = self._unanswered.pop(request, None)
        if sent is not None:
            self.responses.append(Response(request, sent, int(self.env.now) + self.spec.latency))

    def _gaps(self) -> Iterator[int]:
        while True:
            yield from map(int, self._random.exponential(1e9 / self.spec.rate, DRAWS))

    def _deliver(self, request: int) -> None:
        if self._reached is not None:
            self._reached.receive(request)

    def _send_again(self, request: int) -> Generator[simpy.Event, None, None]:
        elapsed = int(self.env.now) - self._unanswered[request] - self.spec.latency
        retries = (-(-elapsed // self.spec.retry)).bit_length()
        yield self.env.timeout((2**retries - 1) * self.spec.retry - elapsed)
        if request in self._unanswered:
            self._deliver(request)
