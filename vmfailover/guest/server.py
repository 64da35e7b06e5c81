"""The service that the guest gives its clients: requests wait in line for guest time."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """A request and the guest time at which its answer is ready."""

    request: int
    guest_ns: int


class RequestServer:
    """Serves requests first in, first out; part of the VM's state, so that a checkpoint captures it."""

    def __init__(self, waiting: tuple[Completion, ...] = (), accepted_ns: int = 0) -> None:
        """Go on with a queue captured earlier, when all requests so far took `accepted_ns` of guest time."""
        #: Guest time that all requests so far take, nanoseconds.
        self.accepted_ns = accepted_ns
        self._waiting = deque(waiting)
        self._free_ns = waiting[-1].guest_ns if waiting else 0
        self._ready_ns = {completion.request: completion.guest_ns for completion in waiting}

    def accept(self, request: int, guest_ns: int, service_ns: int) -> Completion:
        """Queue a request that arrives at a guest time and takes so much of it; say when its answer will be ready."""
        self.accepted_ns += service_ns
        self._free_ns = max(guest_ns, self._free_ns) + service_ns
        completion = Completion(request, self._free_ns)
        self._waiting.append(completion)
        self._ready_ns[request] = self._free_ns
        return completion

    def served_ns(self, guest_ns: int) -> int:
        """Return how much of the time that all requests so far take has been spent at a guest time not before them."""
        return self.accepted_ns - max(0, self._free_ns - guest_ns)

    def ready_ns(self, request: int) -> int | None:
        """Return the guest time at which a request's answer is or was ready, None if it never came here."""
        return self._ready_ns.get(request)

    def take_completed(self, guest_ns: int) -> list[Completion]:
        """Remove and return all answers that are ready at a guest time, oldest first."""
        completed = []
        while self._waiting and self._waiting[0].guest_ns <= guest_ns:
            completed.append(self._waiting.popleft())
        return completed

    @property
    def waiting(self) -> tuple[Completion, ...]:
        """The requests not answered yet, in order."""
        return tuple(self._waiting)
