"""The log of a run's events: kept in order, and told to those who asked."""

from collections import defaultdict
from collections.abc import Callable

import simpy

from vmfailover.records.events import Event, Kind


class EventLog:
    """Keeps every event in order of time and tells those who asked for its kind."""

    def __init__(self, env: simpy.Environment) -> None:
        """Keep the time of `env`."""
        self._env = env
        self.events: list[Event] = []
        self._listeners: dict[str, list[Callable[[Event], None]]] = defaultdict(list)
        self._watchers: list[Callable[[Event], None]] = []

    @property
    def now_ns(self) -> int:
        """The simulated time, nanoseconds."""
        return int(self._env.now)

    def record(
        self, kind: Kind, host: str, *, epoch: int = -1, duration_ns: int = 0, count: int = 0, detail: str = ""
    ) -> None:
        """Write down that something happens now."""
        event = Event(self.now_ns, kind, host, epoch, duration_ns, count, detail)
        self.events.append(event)
        for tell in (*self._listeners[kind], *self._watchers):
            tell(event)

    def on(self, kind: str, tell: Callable[[Event], None]) -> None:
        """Call `tell` with every event of a kind, as it happens."""
        self._listeners[kind].append(tell)

    def watch(self, tell: Callable[[Event], None]) -> None:
        """Call `tell` with every event, as it happens, after those who asked for its kind."""
        self._watchers.append(tell)

    def times(self, kind: str) -> dict[int, int]:
        """Return the instant of each epoch's last event of a kind."""
        return {event.epoch: event.time_ns for event in self.events if event.kind == kind}

    def first(self, kind: str) -> Event | None:
        """Return the first event of a kind, if there is one."""
        return next((event for event in self.events if event.kind == kind), None)
