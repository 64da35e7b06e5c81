"""The events of a run as messages of Python's logging."""

import logging

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.description import instant, told
from vmfailover.cluster.observer import Observer
from vmfailover.records.events import LIFE_OF_AN_EPOCH, Event

#: Says at INFO what becomes of the hosts, the VM and its protection, and at DEBUG what becomes of each epoch.
#: Silent unless a program configures logging.
LOGGER = logging.getLogger("vmfailover")
LOGGER.addHandler(logging.NullHandler())


class EventLogger(Observer):
    """Logs each event with its simulated time."""

    def begin(self, cluster: Cluster) -> None:
        """Name the run in each message as its scenario is named."""
        self._name = cluster.scenario.name

    def event(self, event: Event) -> None:
        """Log one event, as `quickstart at 12.000000 ms: failure on primary (host-crash)`."""
        level = logging.DEBUG if event.kind in LIFE_OF_AN_EPOCH else logging.INFO
        if LOGGER.isEnabledFor(level):
            LOGGER.log(level, "%s at %s: %s", self._name, instant(event.time_ns), told(event))


def event_loggers() -> tuple[EventLogger, ...]:
    """Return what logs the events of a run, if anybody listens."""
    return (EventLogger(),) if LOGGER.isEnabledFor(logging.INFO) else ()
