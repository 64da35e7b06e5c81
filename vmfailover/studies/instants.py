"""The instants of a run at which a fault can make a difference."""

import bisect

import simpy
from simpy.events import NORMAL, EventPriority

from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.scheduler import DEFAULT_QUANTUM, LastTimeout
from vmfailover.hardware.cache import kernel
from vmfailover.records.events import Event
from vmfailover.scenario import Scenario

#: Nanoseconds from an event to the instants before and after it.
NEXT_TO = 1


class WatchedEnvironment(simpy.Environment):
    """Knows every instant at which something other than the guest's execution happens."""

    def __init__(self) -> None:
        """Know of none yet."""
        super().__init__()
        self.instants: set[int] = set()

    def schedule(self, event: simpy.Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Schedule an event, and note when it happens."""
        if not isinstance(event, LastTimeout):
            self.instants.add(int(self.now + delay))
        super().schedule(event, priority, delay)


class Trace:
    """What happened in a run, and between which instants nothing did."""

    def __init__(self, scenario: Scenario) -> None:
        """Run a scenario."""
        env = WatchedEnvironment()
        cluster = Cluster(env, scenario, kernel, DEFAULT_QUANTUM)
        env.run(until=scenario.duration)
        self.events: list[Event] = cluster.event_log.events
        self._instants = sorted(env.instants)

    def epochs(self, host: str = "primary") -> list[int]:
        """Return when each epoch began, nanoseconds."""
        return [event.time_ns for event in self.events if event.kind == "epoch" and event.host == host]

    def around_events(self, first_ns: int, last_ns: int) -> list[int]:
        """Return the first instant of a span and those around every event, without those equivalent to an earlier one.

        Two instants are equivalent if nothing happens from the one to the other but that the guest executes.
        """
        times = {event.time_ns for event in self.events if first_ns <= event.time_ns <= last_ns}
        around = {time + side for time in times for side in (-NEXT_TO, NEXT_TO)}
        candidates = sorted({first_ns} | {instant for instant in around if instant >= first_ns})
        kept: list[int] = []
        for instant in candidates:
            if not kept or self._state(instant) != self._state(kept[-1]):
                kept.append(instant)
        return kept

    def _state(self, instant: int) -> int:
        """Return how many instants with events have passed."""
        return bisect.bisect_right(self._instants, instant)

    def phase(self, instant: int) -> str:
        """Return what had happened last by an instant: the kind of that event."""
        last = bisect.bisect_right(self.events, instant, key=lambda event: event.time_ns)
        return self.events[last - 1].kind if last else "start"
