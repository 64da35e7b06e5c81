"""The instants of a run that its timeline shows, in milliseconds."""

from dataclasses import dataclass
from itertools import pairwise

from vmfailover.results.records import EpochRow
from vmfailover.results.run_result import RunResult

MS = 1e-6
#: What ends each part of a failover, in order.
_STEPS = ("failure", "detect", "fence", "image-complete", "takeover")
#: Share of the zoomed window that follows its last instant of interest.
_MARGIN = 0.12


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the run."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """How long it is."""
        return self.end - self.start


class Story:
    """What happened when."""

    def __init__(self, result: RunResult) -> None:
        """Look at a run that has ended."""
        self.result = result
        self.end = result.end_ns * MS
        self._first_ns: dict[str, int] = {}
        for event in result.event_rows:
            self._first_ns.setdefault(event.kind, event.time_ns)

    def instant(self, kind: str) -> float | None:
        """Return when something first happened, None if it never did."""
        first_ns = self._first_ns.get(kind)
        return None if first_ns is None else first_ns * MS

    @property
    def down(self) -> float | None:
        """When the primary crashed, or was fenced."""
        return self.instant("down")

    @property
    def false_alarm(self) -> bool:
        """Whether the secondary took the primary for dead before it failed."""
        detected, failed = self.instant("detect"), self.instant("failure")
        return detected is not None and (failed is None or detected < failed)

    @property
    def cause(self) -> str:
        """What brought the primary down."""
        return "crash" if self.instant("failure") == self.down else "fenced"

    @property
    def takeover_steps(self) -> list[tuple[float, float]]:
        """The (start, length) of detection, fencing, applying and activation, as far as they came."""
        starts = [self.instant(kind) for kind in _STEPS]
        if self.false_alarm:
            starts[0] = starts[1]
        if (stopped := self.instant("switchover")) is not None:
            starts[:3] = [stopped] * 3
        known = [at for at in starts if at is not None]
        if known and self.instant("takeover") is None:
            stopped = self.instant("standby-down")
            known.append(self.end if stopped is None else max(stopped, known[-1]))
        return [(start, end - start) for start, end in pairwise(known)]

    @property
    def commits(self) -> list[tuple[EpochRow, float]]:
        """Every committed epoch with the instant of its commit."""
        return [(row, row.committed_ns * MS) for row in self.result.epoch_rows if row.committed_ns >= 0]

    @property
    def scans(self) -> list[float]:
        """When the primary's flags were checked."""
        events = self.result.event_rows
        return [event.time_ns * MS for event in events if (event.kind, event.host) == ("scan", "primary")]

    def spans(self, host: str) -> list[tuple[float, float]]:
        """Return the (start, length) of every span in which a host ran the VM."""
        return [(start * MS, (end - start) * MS) for start, end in self.result.spans[host] if end > start]

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """The (start, length) of every checkpoint's pause, cut off by what ended the primary."""
        last = self.primary_end
        rows = [row for row in self.result.epoch_rows if 0 <= row.paused_ns * MS < last]
        ends = [min(last, row.resumed_ns * MS) if row.resumed_ns >= 0 else last for row in rows]
        return [(row.paused_ns * MS, end - row.paused_ns * MS) for row, end in zip(rows, ends, strict=True)]

    @property
    def primary_end(self) -> float:
        """When the primary ceased to run the VM."""
        ends = (self.down, self.instant("switchover"))
        return min((end for end in ends if end is not None), default=self.end)

    @property
    def faults(self) -> list[tuple[float, str]]:
        """The instant and the kind of every fault, but for what brought the primary down at once."""
        events = [event for event in self.result.event_rows if event.kind in ("failure", "fault")]
        found = [(event.time_ns * MS, f"{event.host}: {event.detail}") for event in events]
        return [(at, what) for at, what in found if at != self.down]

    @property
    def lost(self) -> Window | None:
        """From the capture of the last committed checkpoint to the end of the primary, None if no work was lost."""
        if self.down is None or not self.result.values["loss.work_ns"]:
            return None
        captured = max((row.captured_ns * MS for row, at in self.commits if at <= self.restored), default=0.0)
        return Window(captured, self.down)

    @property
    def restored(self) -> float:
        """When the image had to be complete."""
        return self.instant("image-complete") or self.end

    @property
    def blackout(self) -> Window | None:
        """The longest time without a response across the end of the primary."""
        gap = self.result.blackout
        return Window(gap[0] * MS, gap[1] * MS) if gap else None

    @property
    def outages(self) -> list[Window]:
        """Every time from the end of the host that had the VM to a takeover, or to the end of the run."""
        found: list[Window] = []
        since: int | None = None
        for event in self.result.event_rows:
            if event.kind == "down":
                since = event.time_ns
            elif event.kind in ("takeover", "returned") and since is not None:
                found.append(Window(since * MS, event.time_ns * MS))
                since = None
        return found if since is None else [*found, Window(since * MS, self.end)]

    @property
    def link_use(self) -> list[tuple[float, float, float]]:
        """The (start, length, share of it in which the link was busy towards the second host) between two samples."""
        found = []
        for one, other in pairwise(self.result.sample_rows):
            length_ns, busy_ns = other.time_ns - one.time_ns, other.forward_busy_ns - one.forward_busy_ns
            found.append((one.time_ns * MS, length_ns * MS, min(1.0, busy_ns / length_ns)))
        return found

    @property
    def rounds(self) -> list[tuple[float, float]]:
        """The (start, length) of every round of a planned evacuation; none if there was none."""
        if self.instant("switchover") is None:
            return []
        events = self.result.event_rows
        return [(event.time_ns * MS, event.duration_ns * MS) for event in events if event.kind == "transfer"]

    @property
    def detail(self) -> Window:
        """The last two epochs before the primary's end, or the rounds of its evacuation."""
        if self.rounds:
            return Window(self.rounds[0][0], self.instant("takeover") or self.end)
        starts = [row.started_ns * MS for row in self.result.epoch_rows if row.started_ns * MS < self.primary_end]
        whole = starts if self.down is not None else starts[:-1]
        start = (whole or [0.0])[-2:][0]
        end = self.primary_end if self.down is not None or len(starts) < 2 else starts[-1]
        return Window(start, end + (end - start) * _MARGIN)
