"""A small scenario that is right, and a way to write others beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCENARIO = """\
name: small
duration: 200 ms
hosts:
  primary: {preset: power8}
  secondary: {preset: power8}
vm: {vcpus: 2, memory: 1 GiB}
workload: {kind: zipf}
replication:
  protocol: cacheline-flags
  checkpoint_interval: 5 ms
  scan_interval: 500 us
link: {bandwidth: 10 Gbit/s, latency: 20 us}
failures:
  - {at: 103 ms, kind: host-crash, target: primary}
clients: {rate: 2000 /s}
expect:
  failover.latency: p99 < 60 ms
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text (the small scenario unless told otherwise) to a file."""

    def write_text(text: str = SCENARIO, name: str = "x.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


@pytest.fixture
def small(write: Write) -> Path:
    """Return the path of the small scenario."""
    return write()
