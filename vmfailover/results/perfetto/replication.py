"""Every epoch in a trace: the VM that runs and stands still, the checkpoint, its way, and the other host's image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vmfailover.records.events import Event, Kind
from vmfailover.results.perfetto.events import Arrow, Instant, Overlapping, Part, Slice, Track
from vmfailover.results.perfetto.names import RECEIVING, REPLICATION, SENDING, VM

if TYPE_CHECKING:
    from vmfailover.results.records import EpochRow
    from vmfailover.results.run_record import RunRecord

#: Events after which a checkpoint that has not been completed goes on nowhere.
_ABANDONED = ("alone", "synchronisation-failed", "takeover", "returned")


def replication(result: RunRecord) -> Iterator[Part]:
    """Yield where the VM ran, and everything about epochs."""
    for host, spans in result.spans.items():
        for began_ns, ended_ns in spans:
            if ended_ns > began_ns:
                yield Slice(Track(host, VM), "runs", began_ns, ended_ns)
    yield from _Epochs(result).parts()


class _Epochs:
    """The epochs of a run with the events that belong to them."""

    def __init__(self, result: RunRecord) -> None:
        self._result = result
        self._rows = {row.epoch: row for row in result.epoch_rows}
        self._events = {(event.kind, event.epoch): event for event in result.event_rows if event.epoch >= 0}

    def parts(self) -> Iterator[Part]:
        """Yield all that there is to show of them."""
        for row in self._rows.values():
            if (began := self._events.get((Kind.EPOCH, row.epoch))) is not None:
                yield from self._pause(row, began.host)
                yield from _uncommitted(row, began.host)
        sent, applied = self._sent(), self._applied()
        yield from sent.values()
        yield from applied.values()
        yield from (self._commit(number) for number in applied)
        yield from (Arrow("epoch", number, sent[number], applied[number]) for number in sent if number in applied)

    # The pause, on the host that runs the VM.

    def _pause(self, row: EpochRow, host: str) -> Iterator[Slice]:
        """Yield the pause for an epoch's checkpoint, and its parts; what ended the host has cut it off."""
        if row.paused_ns < 0:
            return
        ended_ns = row.resumed_ns if row.resumed_ns >= 0 else self._cut_ns(host, row.paused_ns)
        if ended_ns > row.paused_ns:
            yield Slice(Track(host, VM), f"stopped for checkpoint {row.epoch}", row.paused_ns, ended_ns)
            track = Track(host, REPLICATION)
            yield Slice(track, f"checkpoint {row.epoch}", row.paused_ns, ended_ns, _details(row))
            yield from self._steps(row, track, ended_ns)

    def _steps(self, row: EpochRow, track: Track, ended_ns: int) -> Iterator[Slice]:
        """Yield the steps of a checkpoint that took time, and what came after the last that is known."""
        done_ns = row.captured_ns if row.captured_ns >= 0 else row.paused_ns
        for name, began_ns, length_ns in self._known_steps(row):
            until_ns = min(began_ns + length_ns, ended_ns)
            done_ns = max(done_ns, until_ns)
            if until_ns > began_ns:
                yield Slice(track, name, began_ns, until_ns, {"epoch": row.epoch})
        if ended_ns > done_ns:
            yield Slice(track, _last_step(row), done_ns, ended_ns, {"epoch": row.epoch})

    def _known_steps(self, row: EpochRow) -> Iterator[tuple[str, int, int]]:
        """Yield (name, begin, length) of the steps that were done; to look for changes may follow the capture."""
        captured_ns, copied_ns = row.captured_ns + row.capture_ns, self._at(Kind.HARVEST, row)
        yield "quiesce", row.paused_ns, row.quiesce_ns
        if row.scan_ns:
            scanned_ns = self._at(Kind.FINAL_SCAN, row)
            yield "scan", copied_ns - row.scan_ns if scanned_ns < 0 else scanned_ns, row.scan_ns
        if row.capture_ns:
            yield "capture", row.captured_ns, row.capture_ns
        if row.deduplication_ns:
            yield "de-duplication", captured_ns, row.deduplication_ns
        if row.harvest_ns:
            yield "harvest", copied_ns, row.harvest_ns

    # The way to the other host.

    def _sent(self) -> dict[int, Slice]:
        """Return the sending of each epoch, by its number; one waits until the one before has left."""
        free_ns: dict[str, int] = defaultdict(int)
        sent = {}
        for row in self._rows.values():
            began, began_ns = self._events.get((Kind.EPOCH, row.epoch)), self._send_began_ns(row)
            if began is None or began_ns < 0:
                continue
            began_ns = max(began_ns, free_ns[began.host])
            free_ns[began.host] = max(began_ns, self._send_ended_ns(row, began.host))
            details = _details(row) | {"complete": row.sent_ns >= 0}
            track = Track(began.host, SENDING)
            sent[row.epoch] = Slice(track, f"send {row.epoch}", began_ns, free_ns[began.host], details)
        return sent

    def _send_began_ns(self, row: EpochRow) -> int:
        """Return when an epoch was given to the link, -1 if it never was or never left it."""
        given_ns = self._at(Kind.TRANSFER, row)
        return row.resumed_ns if given_ns < 0 <= row.sent_ns else given_ns

    def _send_ended_ns(self, row: EpochRow, host: str) -> int:
        """Return when an epoch had left, or would have left a link that is not disturbed, or when its host ended."""
        if row.sent_ns >= 0:
            return row.sent_ns
        given = self._events[Kind.TRANSFER, row.epoch]
        return min(given.time_ns + given.duration_ns, self._cut_ns(host, given.time_ns))

    # The host that keeps the image.

    def _applied(self) -> dict[int, Slice]:
        """Return the applying of each committed epoch, by its number; one waits until the one before is done."""
        free_ns: dict[str, int] = defaultdict(int)
        applied = {}
        for commit in self._commits():
            began_ns = max(commit.time_ns, free_ns[commit.host])
            free_ns[commit.host] = max(began_ns, self._at(Kind.APPLY, self._rows[commit.epoch]))
            details = _details(self._rows[commit.epoch])
            track = Track(commit.host, RECEIVING)
            applied[commit.epoch] = Slice(track, f"apply {commit.epoch}", began_ns, free_ns[commit.host], details)
        return applied

    def _commits(self) -> Iterator[Event]:
        return (event for (kind, _), event in self._events.items() if kind == Kind.COMMIT)

    def _commit(self, number: int) -> Instant:
        commit = self._events[Kind.COMMIT, number]
        return Instant(Track(commit.host, RECEIVING), "commit", commit.time_ns, {"epoch": number})

    def _at(self, kind: Kind, row: EpochRow) -> int:
        """Return when an event of an epoch happened, -1 for never."""
        event = self._events.get((kind, row.epoch))
        return -1 if event is None else event.time_ns

    def _cut_ns(self, host: str, since_ns: int) -> int:
        """Return when what a host was doing at an instant came to an end that nothing planned."""
        ends = [
            event.time_ns
            for event in self._result.event_rows
            if event.kind in _ABANDONED or (event.kind in ("down", "standby-down") and event.host == host)
        ]
        resumptions = [began_ns for began_ns, ended_ns in self._result.spans[host] if ended_ns > began_ns]
        return min(end_ns for end_ns in (*ends, *resumptions, self._result.end_ns) if end_ns >= since_ns)


def _uncommitted(row: EpochRow, host: str) -> Iterator[Overlapping]:
    """Yield the time from an epoch's capture until its host knew it to be committed."""
    if row.acknowledged_ns >= row.captured_ns >= 0:
        track = Track(host, REPLICATION)
        yield Overlapping(track, "until acknowledged", row.epoch, row.captured_ns, row.acknowledged_ns, _details(row))


def _last_step(row: EpochRow) -> str:
    """Name what a checkpoint did last."""
    if row.resumed_ns < 0:
        return "unfinished"
    return "wait for the other host" if row.acknowledged_ns == row.resumed_ns else "resume"


def _details(row: EpochRow) -> dict[str, int | float | str | bool]:
    return {
        "epoch": row.epoch,
        "lines": row.lines,
        "lines in the pause": row.residue,
        "log entries": row.log_entries,
        "duplicates": row.duplicates,
        "outputs": row.outputs,
        "forced": row.forced,
    }
