"""What each host of a run was doing when, as spans of a lane of its own; milliseconds."""

from collections.abc import Iterator

from vmfailover.report.figures.looks import Span
from vmfailover.report.figures.story import MS, Story
from vmfailover.results.failovers import moves, synchronisations
from vmfailover.results.run_result import RunResult

#: (host, what it did, from, length).
Stretch = tuple[str, Span, float, float]
_STEPS = (Span.DETECTING, Span.FENCING, Span.APPLYING, Span.ACTIVATING)
#: Events at which a second host no longer keeps an image for a host that runs the VM.
_LETS_GO = ("failure", "detect", "switchover", "failback", "alone")


def hosts(result: RunResult) -> tuple[str, ...]:
    """Return the hosts of a run, the primary first."""
    return tuple(result.spans)


def stretches(result: RunResult) -> Iterator[Stretch]:
    """Yield what each host did, what comes later being drawn over what came before."""
    yield from _kept(result)
    yield from _had(result)
    yield from _synchronised(result)
    yield from _moved(result)


def _had(result: RunResult) -> Iterator[Stretch]:
    """Yield where the VM was, which after a takeover begins with cold caches."""
    since = {"primary": 0}
    cold_ns = result.values["failover.warmup_ns"]
    for event in result.event_rows:
        if event.kind == "takeover":
            since[event.host] = event.time_ns
        elif event.kind in ("returned", "alone"):
            since.setdefault(event.host, event.time_ns)
        elif event.kind in ("down", "standby-down", "switchover", "failback") and event.host in since:
            yield from _ran(result, event.host, since.pop(event.host), event.time_ns, cold_ns)
    for host, began_ns in since.items():
        yield from _ran(result, host, began_ns, result.end_ns, cold_ns)


def _ran(result: RunResult, host: str, began_ns: int, ended_ns: int, cold_ns: float | None) -> Iterator[Stretch]:
    """Yield one stay of the VM on a host; how long caches were cold is known of the first takeover."""
    first = next((event.time_ns for event in result.event_rows if event.kind == "takeover"), -1)
    cold = (ended_ns - began_ns if cold_ns is None else min(cold_ns, ended_ns - began_ns)) if began_ns == first else 0
    yield host, Span.WARMING, began_ns * MS, cold * MS
    yield host, Span.RUNNING, (began_ns + cold) * MS, (ended_ns - began_ns - cold) * MS


def _kept(result: RunResult) -> Iterator[Stretch]:
    """Yield which host kept an image of the VM."""
    keeper: tuple[str, int] | None = ("secondary", 0)
    for event in result.event_rows:
        if event.kind == "protected":
            keeper = event.host, event.time_ns
        elif keeper and (event.kind in _LETS_GO or (event.kind, event.host) == ("standby-down", keeper[0])):
            yield keeper[0], Span.RECEIVING, keeper[1] * MS, (event.time_ns - keeper[1]) * MS
            keeper = None
    if keeper:
        yield keeper[0], Span.RECEIVING, keeper[1] * MS, (result.end_ns - keeper[1]) * MS


def _synchronised(result: RunResult) -> Iterator[Stretch]:
    """Yield which host was being copied to."""
    for host, began_ns, ended_ns in synchronisations(result.event_rows, result.end_ns):
        yield host, Span.SYNCHRONISING, began_ns * MS, (ended_ns - began_ns) * MS


def _moved(result: RunResult) -> Iterator[Stretch]:
    """Yield the parts of each takeover, and of one that did not come to its end if it was the first."""
    done = list(moves(result.event_rows))
    for move in done:
        for step, (_, start, end) in zip(_STEPS, move.parts, strict=True):
            yield move.destination, step, start * MS, (end - start) * MS
    if not done:
        for step, (at, length) in zip(_STEPS, Story(result).takeover_steps, strict=False):
            yield "secondary", step, at, length
