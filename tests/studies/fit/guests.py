"""Guests whose hot sets are known, and traces of them."""

from pathlib import Path
from typing import Any

import numpy as np

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.studies.fit.curve import Observation
from vmfailover.studies.fit.generated import observed_stream, stream_of
from vmfailover.studies.progress import unseen
from vmfailover.traces.format import Columns, TraceMetadata, write_trace


def hot_set(visits: float, memory: str, kind: str = "random", **keys: Any) -> dict[str, Any]:
    return {"kind": kind, "memory": memory, "visits": f"{visits} /s", **keys}


def guest(*sets: dict[str, Any], **keys: Any) -> HotSetsWorkload:
    return HotSetsWorkload.model_validate({"kind": "hot-sets", "sets": sets, **keys})


def observed(spec: HotSetsWorkload, stores: int, seed: int = 3) -> Observation:
    return observed_stream(spec, stores, seed, unseen)


def recorded(spec: HotSetsWorkload, stores: int, path: Path, **about: Any) -> Path:
    """Write a trace of a guest's first stores."""
    pieces = (Columns(np.zeros(c.records, np.uint8), *c[1:5]) for c in stream_of(spec, stores, 3, unseen))
    write_trace(path, pieces, TraceMetadata(memory_bytes=1 << 28, vcpus=1, source="known sets", **about))
    return path
