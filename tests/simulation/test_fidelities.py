"""Sampled against executed, on the same hot sets: every protocol, within 10 %."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

import vmfailover as vf
from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.records.events import Event, Kind
from vmfailover.scenario import Scenario

from .sampled_guests import PROTOCOLS, SETS, sampled

#: How far a sampled run may be from the executed one, relative to that.
MOST = 0.10
COMPARED = (
    "replication.bytes",
    "replication.lines",
    "checkpoint.pause_p50_ns",
    "checkpoint.pause_p99_ns",
    "checkpoint.period_mean_ns",
    "checkpoint.commit_latency_p50_ns",
    "checkpoint.commit_latency_p99_ns",
    "guest.slowdown",
    "failover.latency_ns",
    "migration.total_ns",
    "migration.bytes",
    "loss.work_ns",
    "client.latency_p50_ns",
    "log.entries",
)
#: Lines that move from core to core are not logged, so that more is left for checkpoints of what leaves caches.
EXCEPTIONS = {("cacheline-transfer", "checkpoint.pause_p99_ns"): 0.15}
#: A share of the guest's time that nobody would notice.
NEGLIGIBLE = 0.001
FLUCTUATION = {"variation": "40 %", "correlation": "20 ms"}


@dataclass
class Modified(Observer):
    """The units that each checkpoint has found."""

    units: list[set[int]] = field(default_factory=list)

    def begin(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def event(self, event: Event) -> None:
        if event.kind == Kind.HARVEST:
            parts = self._cluster.epochs[event.epoch].logged
            self.units.append({int(address) for part in parts for address in part})


def scenario(protocol: str, fluctuation: dict[str, str] | None = None) -> Scenario:
    workload = {"kind": "hot-sets", "sets": SETS, "fluctuation": fluctuation}
    failures = [{"at": "303 ms", "kind": "host-crash", "target": "primary"}]
    return sampled(protocol, duration="400 ms", workload=workload, failures=failures)


@cache
def facts(protocol: str, fidelity: str, *, fluctuates: bool = False) -> dict[str, Any]:
    found = Modified()
    chosen = scenario(protocol, FLUCTUATION if fluctuates else None).with_(fidelity=fidelity)
    result = vf.run(chosen, observers=[found])
    assert all(verdict.holds for verdict in result.verdicts)
    return {name: result.metrics[name] for name in COMPARED} | dict(of_units(found.units))


def of_units(epochs: list[set[int]]) -> Iterator[tuple[str, float]]:
    """Yield how many units checkpoints found, and which share of them the one before had found too."""
    if len(epochs) > 10:
        sizes = [len(each) for each in epochs]
        yield "units p99", float(np.quantile(sizes, 0.99))
        yield "units mean", float(np.mean(sizes))
        yield "overlap", float(np.mean([len(a & b) / max(1, len(b)) for a, b in pairwise(epochs)]))


def off(executed: float | None, found: float | None) -> float:
    """Return how far a number is from what was executed, relative to that, or to a share that is as good as none."""
    if executed is None or found is None or executed == found:
        return 0.0 if executed == found else float("inf")
    return abs(found - executed) / max(abs(executed), NEGLIGIBLE)


@pytest.mark.slow
@pytest.mark.parametrize("fluctuates", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_sampled_guest_is_as_one_that_is_executed(protocol: str, fluctuates: bool) -> None:
    executed, found = (facts(protocol, each, fluctuates=fluctuates) for each in ("executed", "sampled"))
    most = {name: EXCEPTIONS.get((protocol, name), MOST) for name in executed}
    wrong = {name: (executed[name], found[name]) for name in executed if off(executed[name], found[name]) > most[name]}
    assert not wrong


if __name__ == "__main__":
    for which, also in product(PROTOCOLS, (False, True)):
        first, second = (facts(which, each, fluctuates=also) for each in ("executed", "sampled"))
        for key in (key for key in first if first[key]):
            error = 100 * (second[key] / first[key] - 1)
            print(f"{which:22} {also!s:5} {key:34} {first[key]:14.6g} {second[key]:14.6g} {error:+6.1f} %")
