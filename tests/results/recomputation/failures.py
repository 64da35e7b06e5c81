"""From when to when each host has failed, as intervals between the rows of the table of events."""

from dataclasses import dataclass

from results.recomputation.folder import Folder, Row

#: Faults that end the service of the host that they strike.
FATAL = {
    "host-crash",
    "power-loss",
    "vm-crash",
    "memory-error",
    "hypervisor-hang",
    "isolation",
    "all-paths-down",
    "storage-loss",
}
SILENT = ("down", "standby-down")


@dataclass
class Failure:
    """A host has failed from the first of several faults at once until the last of them has passed."""

    cause: Row
    #: Rows of the fault with which it begins, and of that with which it is over; beyond the table if it never is.
    began: int
    ended: int


def failures(folder: Folder, host: str) -> list[Failure]:
    """Return the failures of a host, in order."""
    own = [index for index, event in enumerate(folder.events) if event.host == host]
    found: list[Failure] = []
    for index in own:
        event = folder.events[index]
        if _is_fatal(event) and (not found or found[-1].ended < index):
            found.append(Failure(event, index, _end(folder, [row for row in own if row >= index])))
    return found


def _is_fatal(event: Row) -> bool:
    return event.kind in ("failure", "fault") and event.detail in FATAL


def _end(folder: Folder, rows: list[int]) -> int:
    """Return the row at which as many faults have passed as have struck, unless the host went down before.

    One that went down comes back when it is synchronised anew.
    """
    for count, row in enumerate(rows, start=1):
        until = [folder.events[each] for each in rows[:count]]
        if until[-1].kind == "synchronise":
            return row
        struck = sum(_is_fatal(event) for event in until)
        passed = sum(event.kind == "passed" and event.detail in FATAL for event in until)
        if struck == passed and not any(event.kind in SILENT for event in until):
            return row
    return len(folder.events)


def failure_at(folder: Folder, host: str, row: int) -> Failure | None:
    """Return the failure that a host is in just before a row of the table."""
    return next((each for each in failures(folder, host) if each.began < row <= each.ended), None)


def is_down(folder: Folder, host: str, row: int) -> bool:
    """Whether a host is down just before a row of the table, and has not been put into service again."""
    told = [event.kind for event in folder.events[:row] if event.host == host]
    last = max((number for number, kind in enumerate(told) if kind in SILENT), default=None)
    return last is not None and "synchronise" not in told[last:]


def recovers(folder: Folder, failure: Failure) -> bool:
    """Whether a failure is over before its host is given up, or later without the host having been silenced for it."""
    if failure.ended == len(folder.events):
        return False
    verdicts = [
        number
        for number, event in enumerate(folder.events[: failure.ended])
        if event.kind in ("detect", "detect-loss") and event.detail == failure.cause.host and number > failure.began
    ]
    if not verdicts:
        return True
    watcher, later = folder.events[verdicts[-1]].host, folder.events[verdicts[-1] :]
    outcomes = (
        event.kind
        for event in later
        if (event.kind in ("fence", "fencing-failed", "no-quorum") and event.host == watcher)
        or (event.kind in SILENT and event.host == failure.cause.host)
    )
    return next(outcomes, "fencing-failed") == "fencing-failed"
