"""Remus, NSDI 2008: how many checkpoints a second a web server (SPECweb) achieves of those that are configured.

Fitted to what is achieved of 40: how much memory the guest has. Costs are those of the kernel build, fitted to figure
5. Assumed: that a page is stored to as often as one of the recorded redis, and a fluctuation of 40 % that lasts 100 ms.
What is achieved of 10, 20 and 30 is predicted.
"""

from functools import cache

import pytest

from vmfailover.scenario import Scenario, load
from vmfailover.simulation import run

from .published import SCENARIOS, RecordProperty, Row, report, table, whole_epochs

STEADY: dict[str, object] = {"workload.fluctuation": None}


@cache
def web_server() -> Scenario:
    return load(SCENARIOS / "remus-web-server.yaml")


def published() -> dict[int, float]:
    """Return the checkpoints that are achieved in a second, by those that are configured."""
    rows = (row for row in table("remus_nsdi08") if row["experiment"] == "specweb")
    return {int(row["value"]): float(row["published"]) for row in rows}


def achieved(configured: int, seconds: int, **keys: object) -> float:
    """Return the checkpoints in a second, of epochs but the first."""
    interval = {"replication.checkpoint_interval": f"{10**9 // configured} ns"}
    epochs = whole_epochs(run(web_server().with_(duration=f"{seconds} s", **interval, **keys)))
    return 1e9 / float(epochs.paused_ns.diff().mean())


def test_costs_are_those_of_the_kernel_build() -> None:
    ours, other = web_server(), load(SCENARIOS / "remus-kernel-build.yaml")
    assert (ours.hosts, ours.hypervisor, ours.link, ours.vm) == (other.hosts, other.hypervisor, other.link, other.vm)
    keys = {"checkpoint_interval": 25_000_000, "next_checkpoint": "acknowledged"}
    assert ours.replication == other.replication.model_copy(update=keys)


@pytest.mark.slow
def test_rates_that_are_achieved(record_property: RecordProperty) -> None:
    """They keep rising with the configured rate."""
    kinds = {40: ("fitted", 0.02), 10: ("predicted", 0.02)}
    rows = [
        Row(f"{rate} checkpoints/s configured", given, achieved(rate, 120), *kinds.get(rate, ("predicted", 0.07)))
        for rate, given in published().items()
    ]
    report("Remus, web server, checkpoints achieved in a second", rows, record_property)


@pytest.mark.slow
def test_without_fluctuation_all_rates_that_cannot_be_kept_are_one() -> None:
    """And so one that is kept is kept whole: of 20, 30 and 40 the paper achieved 16.4, 20.3 and 23.3."""
    found = {rate: achieved(rate, 20, **STEADY) for rate in (30, 40)}
    assert found[40] == pytest.approx(found[30], rel=0.01)
    assert published()[40] > 1.1 * published()[30]
