"""Waiting for an instant, before or after all else that happens then."""

import simpy
from simpy.events import NORMAL, URGENT, EventPriority

#: Priorities of events that happen before all others of their instant, and after them.
FIRST, LAST = URGENT, EventPriority(NORMAL + 1)


class PriorityTimeout(simpy.Event):
    """Happens after a delay, among the events of that instant by its priority."""

    def __init__(self, env: simpy.Environment, delay_ns: int, priority: EventPriority) -> None:
        """Happen in `delay_ns` nanoseconds."""
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, priority, delay_ns)
