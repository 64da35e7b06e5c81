"""A trace of one vCPU on a VM with several: it runs on one of them, whose time is the guest's."""

from pathlib import Path

import pytest

from vmfailover.scenario import load
from vmfailover.simulation import run

PSEUDO_SMP = Path(__file__).parents[1] / "cases" / "pseudo-smp.yaml"


def values(vcpus: int, protocol: str) -> dict[str, float]:
    scenario = load(PSEUDO_SMP, [f"vm.vcpus={vcpus}", f"replication.protocol={protocol}"])
    result = run(scenario, samples=0)
    assert result.consistent
    return {name: float(value) for name, value in result.values.items() if value is not None}


@pytest.mark.parametrize("protocol", ["cacheline-flags", "page-write-protect"])
def test_idle_vcpus_share_nothing_and_change_no_more_than_their_own_states_cost(protocol: str) -> None:
    alone, with_idle = values(1, protocol), values(3, protocol)
    assert with_idle["log.transfer"] == 0
    assert with_idle["replication.lines"] == pytest.approx(alone["replication.lines"], rel=0.01)
    assert with_idle["guest.slowdown"] == pytest.approx(alone["guest.slowdown"], abs=0.01)
    assert with_idle["guest.fault_fraction"] == pytest.approx(alone["guest.fault_fraction"], rel=0.01)
