"""The whole trace of a run, and the file that holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.files.whole_file import write_whole
from vmfailover.results.perfetto.counters import counts
from vmfailover.results.perfetto.events import Part, Track
from vmfailover.results.perfetto.incidents import incidents
from vmfailover.results.perfetto.names import CLIENTS, LINK, THREADS
from vmfailover.results.perfetto.replication import replication
from vmfailover.version import version

if TYPE_CHECKING:
    from vmfailover.results.run_record import RunRecord


def export_perfetto(result: RunRecord, path: Path) -> None:
    """Write the trace of a run to a file, which appears once it is whole. The same result gives the same bytes.

    Raises OSError, naming the file, if it cannot be written; what was there before then stays.
    """
    write_whole(path, _text(result))


def _text(result: RunRecord) -> str:
    """Return the trace as JSON, one event a line."""
    events = ",\n".join(json.dumps(event, allow_nan=False, separators=(",", ":")) for event in _events(result))
    return f'{{"displayTimeUnit": "ns",\n"otherData": {json.dumps(_about(result))},\n"traceEvents": [\n{events}\n]}}\n'


def _about(result: RunRecord) -> dict[str, Any]:
    scenario = result.scenario
    return {
        "scenario": scenario.name,
        "hash": scenario.hash,
        "seed": result.seed,
        "protocol": scenario.replication.protocol,
        "vmfailover_version": version(),
    }


def _events(result: RunRecord) -> Iterator[dict[str, Any]]:
    """Yield the names of all tracks, and then the events in order of time, a slice before those within it."""
    parts = [*replication(result), *incidents(result), *counts(result)]
    layout = _Layout((*result.spans, LINK, CLIENTS), parts)
    yield from layout.names()
    placed = [each for part in parts for each in part.placed(layout.address)]
    for _, _, event in sorted(placed, key=lambda each: each[:2]):
        yield event


class _Layout:
    """The processes and threads of a trace, numbered from 1 in the order in which they are shown."""

    def __init__(self, processes: Sequence[str], parts: Sequence[Part]) -> None:
        """Number the tracks that some parts are on."""
        self._tracks = {track for part in parts for track in part.tracks}
        used = {track.process for track in self._tracks}
        self._processes = [process for process in processes if process in used]

    def address(self, track: Track) -> dict[str, Any]:
        """Return the `pid` of a track and, for a thread, its `tid`, which no other process has."""
        pid = self._processes.index(track.process) + 1
        return {"pid": pid, "tid": 100 * pid + 1 + THREADS.index(track.thread)} if track.thread else {"pid": pid}

    def names(self) -> Iterator[dict[str, Any]]:
        """Yield the metadata events that name and order the tracks."""
        for process in self._processes:
            yield from self._named("process", process, Track(process))
            for thread in THREADS:
                track = Track(process, thread)
                if track in self._tracks:
                    yield from self._named("thread", thread, track)

    def _named(self, kind: str, name: str, track: Track) -> Iterator[dict[str, Any]]:
        address = self.address(track)
        place = address.get("tid", address["pid"])
        yield {"ph": "M", "name": f"{kind}_name", **address, "args": {"name": name}}
        yield {"ph": "M", "name": f"{kind}_sort_index", **address, "args": {"sort_index": place}}
