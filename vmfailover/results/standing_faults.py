"""Faults that have struck and not passed, read from the events of a run in their order."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from vmfailover.records.events import Event, Kind
from vmfailover.scenario.failover import is_fatal

#: Events with which a host is given up; their `detail` names it.
VERDICTS = (Kind.DETECT, Kind.DETECT_LOSS, Kind.SYNCHRONISATION_FAILED)
_REFUSED = (Kind.FENCING_FAILED, Kind.NO_QUORUM)
_SILENT = (Kind.DOWN, Kind.STANDBY_DOWN)


class StandingFaults:
    """What hosts and the link suffer from.

    Of several faults of one kind on one host, the first stands until as many have passed as have struck. On a host that
    is down nothing passes: it is as it was, even repaired, until it is put into service again.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._standing: defaultdict[str, list[Event]] = defaultdict(list)
        self._down: set[str] = set()

    def note(self, event: Event) -> None:
        """Take notice of the next event; steps of epochs, of which there are many, change nothing."""
        if event.epoch >= 0:
            return
        if event.kind in (Kind.FAILURE, Kind.FAULT):
            self._standing[event.host].append(event)
        elif event.kind == Kind.PASSED and event.host not in self._down:
            self._pass(event)
        elif event.kind in _SILENT:
            self._down.add(event.host)
        elif event.kind == Kind.SYNCHRONISE:
            self._down.discard(event.host)
            self._standing[event.host].clear()

    def _pass(self, event: Event) -> None:
        standing = self._standing[event.host]
        last = next((each for each in reversed(standing) if each.detail == event.detail), None)
        if last:
            standing.remove(last)

    def stands(self, struck: str, kind: str) -> bool:
        """Whether a host, or a direction of the link, suffers from a kind of fault."""
        return any(each.detail == kind for each in self._standing[struck])

    def failed_ns(self, host: str) -> int | None:
        """Return since when faults have kept a host from its service, nanoseconds; None if none does."""
        fatal = (each for each in self._standing[host] if each.kind == Kind.FAILURE or is_fatal(each.detail))
        return next((each.time_ns for each in fatal), None)

    def serves(self, host: str) -> bool:
        """Whether a host is up, and no fault keeps it from its service."""
        return host not in self._down and self.failed_ns(host) is None


def without_late_recoveries(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the events but for what passed too late: its host had been given up by then, and was silenced for that."""
    verdicts: dict[str, str] = {}
    for number, event in enumerate(events):
        if event.kind in VERDICTS:
            verdicts[event.host] = event.detail
        elif event.kind in _REFUSED:
            verdicts.pop(event.host, None)
        if event.kind != Kind.PASSED or not _is_late(event.host, verdicts, events[number:]):
            yield event


def _is_late(host: str, verdicts: Mapping[str, str], later: Sequence[Event]) -> bool:
    """Whether a host that others have given up is silenced before it turns out that they cannot silence it."""
    watchers = [watcher for watcher, given_up in verdicts.items() if given_up == host]
    for event in later if watchers else ():
        if (event.kind == Kind.FENCE and event.host in watchers) or (event.kind in _SILENT and event.host == host):
            return True
        if event.kind in _REFUSED and event.host in watchers:
            return False
    return False
