"""The clients of the VM and the network between."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import simpy

from vmfailover.guest.guest import Guest
from vmfailover.hardware.planes import UNCUT, Planes
from vmfailover.records.planes import Plane, Way
from vmfailover.scenario.network import Clients as ClientsSpec

#: Random numbers drawn at once.
DRAWS = 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client; instants in nanoseconds."""

    request: int
    sent_ns: int
    #: When the client had the answer; None if it had none by the end.
    received_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that has reached its client; instants in nanoseconds."""

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
        #: When each request was sent, by its number.
        self._sent_ns: list[int] = []
        #: When each answer reaches its client.
        self._received_ns: dict[int, int] = {}
        #: Requests that have come to the VM's network and have no answer that left it.
        self._unanswered: set[int] = set()
        #: Those of them that the network has lost last, each of which is sent again when its next retry is due.
        self._lost: set[int] = set()

    @property
    def requests(self) -> list[Request]:
        """All requests sent by now, with the answers that have reached their clients by now."""
        now = int(self.env.now)
        come = {number: at for number, at in self._received_ns.items() if at <= now}
        return [Request(number, sent_ns, come.get(number)) for number, sent_ns in enumerate(self._sent_ns)]

    def connect(self, guest: Guest | None) -> None:
        """Let the network deliver to this guest, or to none.

        A request that has no answer and does not wait in the guest is sent again when its next retry is due; each takes
        twice as long as the one before (RFC 6298, section 5.5).
        """
        self._reached = guest
        if guest is None:
            return
        waiting = {completion.request for completion in guest.server.waiting}
        for request in sorted(self._unanswered - waiting - self._lost):
            self.env.process(self._send_again(request))

    def run(self) -> Generator[simpy.Event, None, None]:
        """Send requests for ever."""
        for gap in self._gaps():
            yield self.env.timeout(gap)
            self._sent_ns.append(int(self.env.now))
            arrival = self.env.timeout(self.spec.latency, len(self._sent_ns) - 1)
            assert arrival.callbacks is not None
            arrival.callbacks.append(self._arrive)

    def respond(self, request: int, sender: Planes = UNCUT) -> None:
        """Take an answer that leaves a host now, which reaches whom `sender` says.

        One that is lost leaves again whenever the client's next retry is due, as long as the network delivers to its
        host.
        """
        if request not in self._unanswered:
            return
        if not sender.lets(Plane.CLIENTS, Way.OUT):
            self.env.process(self._respond_again(request, sender))
            return
        self._unanswered.remove(request)
        self._received_ns[request] = int(self.env.now) + self.spec.latency

    def _gaps(self) -> Iterator[int]:
        while True:
            yield from map(int, self._random.exponential(1e9 / self.spec.rate, DRAWS))

    def _arrive(self, arrival: simpy.Event) -> None:
        request = cast(int, arrival.value)
        self._unanswered.add(request)
        self._deliver(request)

    def _deliver(self, request: int) -> None:
        if self._reached is None:
            return
        if self._reached.planes.lets(Plane.CLIENTS, Way.IN):
            self._reached.receive(request)
        else:
            self._lost.add(request)
            self.env.process(self._send_lost_again(request))

    def _send_again(self, request: int) -> Generator[simpy.Event, None, None]:
        yield self.env.timeout(self._until_retry_ns(self._elapsed_ns(request)))
        if request in self._unanswered:
            self._deliver(request)

    def _send_lost_again(self, request: int) -> Generator[simpy.Event, None, None]:
        yield self._next_retry(request)
        self._lost.remove(request)
        if request in self._unanswered:
            self._deliver(request)

    def _respond_again(self, request: int, sender: Planes) -> Generator[simpy.Event, None, None]:
        yield self._next_retry(request)
        if self._reached is not None and self._reached.planes is sender:
            self.respond(request, sender)

    def _next_retry(self, request: int) -> simpy.Event:
        """Return the first retry of a request after this instant."""
        elapsed_ns = self._elapsed_ns(request)
        return self.env.timeout(1 + self._until_retry_ns(elapsed_ns + 1))

    def _elapsed_ns(self, request: int) -> int:
        """Return the time since a request came to the VM's network for the first time, nanoseconds."""
        return int(self.env.now) - self._sent_ns[request] - self.spec.latency

    def _until_retry_ns(self, elapsed_ns: int) -> int:
        """Return the time until a retry that is due so long after the first attempt, or later, nanoseconds."""
        retries = (-(-elapsed_ns // self.spec.retry)).bit_length()
        return ((1 << retries) - 1) * self.spec.retry - elapsed_ns
