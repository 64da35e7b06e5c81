"""Clients cost processor time: what they take, the VM's own program does not have."""

from functools import cache

import pytest
from runs_for_tests import Observed, broken, observe
from scenarios_for_tests import small

#: The program of these tests, which is at its pace from the beginning.
STEADY = {"kind": "uniform", "working_set": "16 KiB", "instructions_per_access": 300.0}
SERVICE_US = 20


@cache
def loaded(share: float, protocol: str = "cold-restart", vcpus: int = 1) -> Observed:
    """Run a VM whose clients ask for a share of a vCPU's time."""
    clients = (
        {"rate": f"{share * 1e6 / SERVICE_US} /s", "service": f"{SERVICE_US} us", "request": "0 B"} if share else None
    )
    overrides = {"replication.protocol": protocol, "vm.vcpus": vcpus, "workload": STEADY, "clients": clients}
    return observe(small("base", failures=[], duration="40 ms", **overrides))


def instructions(observed: Observed) -> list[int]:
    """Return what each vCPU of the primary has executed of its program."""
    executed: list[int] = observed.cluster.primary.vm.processor.state.instructions.tolist()
    return executed


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_program_slows_down_by_the_load_that_is_offered(share: float) -> None:
    observed = loaded(share)
    served = observed.cluster.primary.guest.served_ns / 40e6
    assert served == pytest.approx(share, abs=0.05)
    assert instructions(observed)[0] / instructions(loaded(0))[0] == pytest.approx(1 - served, abs=0.002)


def test_a_vcpu_that_is_offered_more_than_it_has_is_busy_and_its_queue_grows() -> None:
    observed = loaded(1.3)
    guest = observed.cluster.primary.guest
    assert guest.served_ns == pytest.approx(40e6, rel=0.01)
    assert instructions(observed)[0] < 0.02 * instructions(loaded(0))[0]
    assert len(observed.result.responses) == pytest.approx(40_000 / SERVICE_US, rel=0.02)
    latencies = [each.received_ns - each.sent_ns for each in observed.result.responses]
    assert latencies[-1] == pytest.approx(0.3 / 1.3 * 40e6, rel=0.2)


def test_one_vcpu_serves_and_the_others_do_not_notice() -> None:
    alone, busy = instructions(loaded(0, vcpus=3)), instructions(loaded(0.5, vcpus=3))
    shares = [after / before for after, before in zip(busy, alone, strict=True)]
    assert shares[0] == pytest.approx(0.5, abs=0.06)
    assert shares[1:] == pytest.approx([1, 1], abs=0.02)


def test_what_a_request_takes_is_no_cost_of_protection() -> None:
    assert loaded(0.8).result.values["guest.slowdown"] == pytest.approx(0, abs=1e-9)
    slowdowns = [loaded(share, "cacheline-flags").result.values["guest.slowdown"] for share in (0.05, 0.6)]
    assert slowdowns[0] == pytest.approx(slowdowns[1], abs=0.01)


@pytest.mark.parametrize(
    "protocol", ["cacheline-flags", "output-compare", pytest.param("record-replay", marks=pytest.mark.slow)]
)
def test_everything_holds_under_load(protocol: str) -> None:
    assert not broken(loaded(0.6, protocol))
