"""Events written briefly."""

from vmfailover.records.events import Event, Kind


def event(time_ns: int, kind: str, host: str, detail: str = "") -> Event:
    """Return an event whose kind is given by its name."""
    return Event(time_ns, Kind(kind), host, detail=detail)
