"""The rules of the trace event format, as a strict reader of traces knows them."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
#: Keys that an event must have, by its phase, beside `ph`, `name` and `pid`.
REQUIRED = {
    "M": {"args"},
    "X": {"cat", "ts", "dur", "tid", "args"},
    "i": {"cat", "ts", "tid", "s"},
    "C": {"cat", "ts", "args"},
    "s": {"cat", "ts", "tid", "id"},
    "f": {"cat", "ts", "tid", "id", "bp"},
    "b": {"cat", "ts", "tid", "id"},
    "e": {"cat", "ts", "tid", "id"},
}


def read_trace(path: Path) -> dict[str, Any]:
    """Read a trace as strict JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def nanoseconds(microseconds: float) -> int:
    """Return what a reader takes for the instant, whether it rounds or cuts off."""
    assert round(microseconds * 1000) == int(microseconds * 1000)
    return round(microseconds * 1000)


def broken_rules(document: dict[str, Any], end_ns: int) -> list[str]:
    """Return what is wrong with the trace of a run of such a length."""
    events = document["traceEvents"]
    found = [*_of_document(document), *(wrong for event in events for wrong in _of_event(event, end_ns))]
    return found or [*_of_names(events), *_of_slices(events), *_of_flows(events), *_of_async(events)]


def _of_document(document: dict[str, Any]) -> Iterator[str]:
    if document.get("displayTimeUnit") not in ("ms", "ns"):
        yield "displayTimeUnit"
    if not {"scenario", "hash", "seed", "vmfailover_version"} <= document["otherData"].keys():
        yield "otherData"


def _of_event(event: Event, end_ns: int) -> Iterator[str]:
    phase = event.get("ph")
    if phase not in REQUIRED or not {"name", "pid"} | REQUIRED[phase] <= event.keys():
        yield f"keys of {event}"
        return
    times = [event[key] for key in ("ts", "dur") if key in event]
    if not all(isinstance(time, int | float) and math.isfinite(time) and time >= 0 for time in times):
        yield f"times of {event}"
    elif sum(map(nanoseconds, times)) > end_ns:
        yield f"after the end: {event}"
    if phase == "C" and not (event["args"] and all(map(_numeric, event["args"].values()))):
        yield f"value of {event}"


def _numeric(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _of_names(events: list[Event]) -> Iterator[str]:
    """Every process and thread has one name and one place, and every name is that of a track in use."""
    for kind, keys in (("process", ("pid",)), ("thread", ("pid", "tid"))):
        used = {tuple(event[key] for key in keys) for event in events if event["ph"] != "M" and keys[-1] in event}
        for label in ("name", "sort_index"):
            named = [event for event in events if event["ph"] == "M" and event["name"] == f"{kind}_{label}"]
            tracks = [tuple(event[key] for key in keys) for event in named]
            if set(tracks) != used or len(tracks) != len(used) or any(label not in event["args"] for event in named):
                yield f"{kind}_{label}: {tracks} for {used}"


def slices_by_thread(events: list[Event]) -> dict[tuple[int, int], list[tuple[int, int, str]]]:
    """Return (begin, end, name) of the slices of each thread, in the order of the file; nanoseconds."""
    threads = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            began = nanoseconds(event["ts"])
            threads[event["pid"], event["tid"]].append((began, began + nanoseconds(event["dur"]), event["name"]))
    return threads


def _of_slices(events: list[Event]) -> Iterator[str]:
    """In the order of the file, each slice begins after all before it, and ends within those that are still open."""
    for thread, slices in slices_by_thread(events).items():
        open_ends: list[int] = []
        latest = 0
        for began, ended, name in slices:
            while open_ends and open_ends[-1] <= began:
                open_ends.pop()
            if began < latest or (open_ends and ended > open_ends[-1]):
                yield f"{name} at {began} on {thread} is out of place"
            latest = began
            open_ends.append(ended)


def _of_flows(events: list[Event]) -> Iterator[str]:
    """Each flow has a start and then a finish, both in a slice."""
    ends: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        if event["ph"] in "sf":
            ends[event["cat"], event["name"], event["id"]].append(event)
    threads = slices_by_thread(events)
    for flow, pair in ends.items():
        if [event["ph"] for event in pair] != ["s", "f"] or pair[0]["ts"] > pair[1]["ts"] or pair[1]["bp"] != "e":
            yield f"{flow} is no pair"
        for event in pair:
            at = nanoseconds(event["ts"])
            if not any(began <= at <= ended for began, ended, _ in threads[event["pid"], event["tid"]]):
                yield f"{flow} has an end outside of every slice"


def _of_async(events: list[Event]) -> Iterator[str]:
    """Each asynchronous begin has its end, after it."""
    ends: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        if event["ph"] in "be":
            ends[event["cat"], event["name"], event["id"], event["pid"]].append(event)
    for key, pair in ends.items():
        if [event["ph"] for event in pair] != ["b", "e"] or pair[0]["ts"] > pair[1]["ts"]:
            yield f"{key} is no pair"
