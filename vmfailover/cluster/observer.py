"""Looking on at a run."""

from collections.abc import Callable, Iterable
from typing import Any

from vmfailover.cluster.cluster import Cluster
from vmfailover.records.events import Event


class Observer:
    """Looks on at a run, which does not notice: a hook may look at everything and change nothing.

    A subclass has the hooks that it needs. The others are never called, and cost nothing.
    """

    def begin(self, cluster: Cluster) -> None:
        """Take the cluster of the run: everything is in its place, and nothing has happened yet."""

    def event(self, event: Event) -> None:
        """Take an event of the run, as it happens."""

    def look(self, now_ns: int) -> None:
        """Look at the run at an instant between two events, at least some hundred times in a run, evenly."""

    def end(self) -> None:
        """Look at the run at its end, before it is judged."""


def hooks(observers: Iterable[Observer], name: str) -> tuple[Callable[..., Any], ...]:
    """Return the hooks of a name that observers have of their own, in the order of the observers."""
    own = (each for each in observers if getattr(type(each), name) is not getattr(Observer, name))
    return tuple(getattr(each, name) for each in own)
