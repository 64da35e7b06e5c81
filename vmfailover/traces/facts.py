"""What a scenario has to know of a trace before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vmfailover.traces.format import open_trace
from vmfailover.traces.metadata import TraceMetadata

__all__ = ["TraceFacts", "facts_of"]

#: Traces whose facts are kept, for studies that look at the same ones for every point.
_KEPT = 16


@dataclass(frozen=True, slots=True)
class TraceFacts:
    """What a trace file says about itself, and what its records say of time."""

    metadata: TraceMetadata
    #: Instructions of the record that has most, or more.
    most_instructions: int
    #: vCPUs with records, none of which executes an instruction: their time would never go on.
    idle_vcpus: tuple[int, ...]


def facts_of(path: Path) -> TraceFacts:
    """Return the facts of a trace; raise TraceError, of one line, for a file that is none."""
    try:
        status = path.stat()
    except OSError:
        return _read(path)
    return _known(path, (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(_KEPT)
def _known(path: Path, fingerprint: tuple[int, int, int]) -> TraceFacts:
    del fingerprint
    return _read(path)


def _read(path: Path) -> TraceFacts:
    trace = open_trace(path)
    return TraceFacts(trace.metadata, trace.most_instructions, trace.idle_vcpus())
