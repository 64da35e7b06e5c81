"""Simulated time must go on: a run in which events follow each other for ever at one instant ends with an error."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import simpy

from vmfailover.errors import NoProgressError

#: Events from one look at the clock to the next.
LOOK_EVENTS = 10_000
#: More events than happen at one instant where little has happened before it.
SLACK_EVENTS = 100_000
#: Far more events than anything that is simulated has in each nanosecond.
EVENTS_PER_NS = 100
#: Events that are watched to find out whose they are.
WATCHED_EVENTS = 1_000
#: Names that an error gives at most.
NAMES = 4


class GuardedEnvironment(simpy.Environment):
    """An environment that raises `NoProgressError` instead of running for ever without any time passing.

    What happens at one instant answers what has happened before: requests that are sent again, messages that have
    waited. So an instant may take `SLACK_EVENTS` and as many events as there were before it, and every nanosecond of
    progress is worth `EVENTS_PER_NS`. A run that goes on faster than that is slow at worst, and comes to its end.
    """

    def __init__(self) -> None:
        """Begin at instant 0."""
        super().__init__()
        for name in ("process", "timeout", "event", "all_of", "any_of"):
            setattr(self, name, getattr(self, name))  # as simpy does for its own class, which makes them faster
        self._running = False
        self._until_look = iter(range(LOOK_EVENTS))
        self._events = 0
        self._looked_at = 0
        self._standing = 0

    def run(self, until: float | simpy.Event | None = None) -> Any:
        """Do what simpy's does, looking at the clock now and then."""
        self._running = True
        try:
            return super().run(until)
        finally:
            self._running = False

    def step(self) -> None:
        """Let the next event happen; while `run` is at work, all until the next look, which costs them nothing."""
        one_step = super().step
        if self._running:
            for _ in self._until_look:
                one_step()
            self._look()
        else:
            one_step()
            if next(self._until_look, None) is None:
                self._look()

    def _look(self) -> None:
        """Count the events since the last look as progress or as none."""
        self._until_look = iter(range(LOOK_EVENTS))
        self._events += LOOK_EVENTS
        progress_ns, self._looked_at = int(self.now) - self._looked_at, int(self.now)
        self._standing = max(0, self._standing + LOOK_EVENTS - EVENTS_PER_NS * progress_ns)
        if self._standing > SLACK_EVENTS + self._events - self._standing:
            names = ", ".join(self._watch()) or "nothing in particular"
            raise NoProgressError(
                f"simulated time stands still at {self._looked_at} ns: {self._standing} events there, of {names}"
            )

    def _watch(self) -> list[str]:
        """Let some more events happen, and return whose they are, the most frequent first."""
        seen: Counter[str] = Counter()
        for _ in range(WATCHED_EVENTS):
            if not self._queue:
                break
            event = self._queue[0][-1]
            seen.update(filter(None, map(_name, event.callbacks or ())))
            super().step()
        return [name for name, _ in seen.most_common(NAMES)]


def _name(callback: Callable[[Any], Any]) -> str:
    """Return the name of the process that a callback resumes, or its own; none of what only passes an event on."""
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, simpy.Process):
        generator: Any = owner._generator
        return str(generator.__qualname__)
    return (
        ""
        if isinstance(owner, simpy.events.Condition)
        else getattr(callback, "__qualname__", type(callback).__qualname__)
    )
