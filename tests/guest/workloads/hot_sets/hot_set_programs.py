"""Workloads of hot sets, briefly."""

from typing import Any

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload


def random_set(visits: float = 20_000, memory: str = "1 MiB", **keys: Any) -> dict[str, Any]:
    """A set whose pages are visited at random."""
    return {"kind": "random", "memory": memory, "visits": f"{visits} /s", **keys}


def stream_set(visits: float = 20_000, memory: str = "1 MiB", **keys: Any) -> dict[str, Any]:
    """A set whose pages are visited in turn."""
    return random_set(visits, memory, **keys) | {"kind": "stream"}


def periodic_set(visits: float = 20_000, memory: str = "1 MiB", period: str = "1 ms", **keys: Any) -> dict[str, Any]:
    """A set that is visited from time to time."""
    return random_set(visits, memory, **keys) | {"kind": "periodic", "period": period}


def hot_sets(*sets: dict[str, Any], **keys: Any) -> HotSetsWorkload:
    """A workload of these sets."""
    return HotSetsWorkload.model_validate({"kind": "hot-sets", "sets": sets, **keys})
