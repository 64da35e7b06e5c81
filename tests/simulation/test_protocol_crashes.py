"""Every protocol keeps its promises, at whatever instant the primary dies."""

from collections import Counter

import numpy as np
import pytest
from runs_for_tests import Observed, broken, happened, observe, variants
from scenarios_for_tests import PROTOCOL_OF, PROTOCOL_VARIANTS, brief

from vmfailover.scenario import Scenario
from vmfailover.scenario.replication import Replication

#: Crashes of one test, which all have the same seed.
BLOCK = 50
SEEDS = (31, 32, 33, 34, 35)
#: Time for which a run goes on after the last instant at which it may crash.
LEFT_NS = 1_200_000


def crash(scenario: Scenario, instant: int) -> Observed:
    """Run a scenario into a crash: what its protocol promises holds, and the VM, unless it is lost, goes on."""
    run = observe(scenario.with_(failures=[{"at": f"{instant} ns", "kind": "host-crash", "target": "primary"}]))
    assert not broken(run), instant
    assert len(happened(run.result, "failure")) + len(happened(run.result, "fault")) == 1
    protection = run.cluster.protection
    if protection.unprotected is None:
        assert lost(run), instant
    else:
        began, now = protection.committed.positions, run.cluster.secondary.vm.positions
        assert all(later > earlier for earlier, later in zip(began, now, strict=True)), instant
    return run


def lost(run: Observed) -> bool:
    """Say whether the VM may be lost: its evacuation had not come to an end when the primary died."""
    return run.result.scenario.replication.protocol == "live-precopy" and not happened(run.result, "commit")


def crash_often(variant: str, seed: int, crashes: int) -> Counter[str]:
    """Crash a variant at random instants; return how often the VM went on, and how often it was lost."""
    scenario = brief(variant, seed=seed)
    random = np.random.default_rng(seed)
    runs = (crash(scenario, int(random.integers(1, scenario.duration - LEFT_NS))) for _ in range(crashes))
    return Counter("lost" if lost(run) else "went on" for run in runs)


@pytest.mark.parametrize("variant", variants(PROTOCOL_VARIANTS))
def test_without_a_failure_nothing_is_broken(variant: str) -> None:
    assert not broken(observe(brief(variant)))


@pytest.mark.parametrize("variant", variants(PROTOCOL_VARIANTS))
def test_two_crashes(variant: str) -> None:
    crash_often(variant, 12, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("variant", PROTOCOL_VARIANTS)
def test_fifty_crashes(variant: str, seed: int) -> None:
    outcomes = crash_often(variant, seed, BLOCK)
    assert outcomes["went on"] > 0


def test_every_other_protocol_is_crashed() -> None:
    assert {PROTOCOL_OF[variant] for variant in PROTOCOL_VARIANTS} == Replication.kinds.keys() - {"cacheline-flags"}
