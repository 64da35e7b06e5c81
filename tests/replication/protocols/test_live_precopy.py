"""Live pre-copy: when the evacuation begins, what it leaves where, and what a failure before its end costs."""

import numpy as np
import pytest
from scenarios_for_tests import small

from vmfailover.simulation import run

from ..machinery import LINES, SERVICE_NS
from .parts import Protected, everything

#: Written to for ever, and small enough to be sent in a few microseconds.
WORKLOAD = {"kind": "uniform", "working_set": "8 KiB", "store_fraction": "50 %"}
TIMES = {"hypervisor.restore": "3 us", "hypervisor.redirect": "7 us"}


def evacuated(until: int | None = None, **precopy: object) -> Protected:
    """Return a VM that is ordered away 50 us before its host crashes at 80 us, or whatever `precopy` says."""
    spec = {"lead": "50 us", "least": 1, "rounds": 3, **precopy}
    crash = [{"at": "80 us", "kind": "host-crash", "target": "primary"}]
    protected = Protected("live-precopy", workload=WORKLOAD, failures=crash, **{"replication.precopy": spec}, **TIMES)
    protected.start([1], until=until)
    return protected


@pytest.mark.parametrize(("lead", "ordered_ns"), [("50 us", 30_000), ("10 us", 70_000), ("1 ms", 0)])
def test_it_is_ordered_so_long_before_the_first_failure(lead: str, ordered_ns: int) -> None:
    assert evacuated(79_000, lead=lead).times("epoch")[0] == ordered_ns


def test_without_a_failure_it_is_ordered_so_long_before_the_end() -> None:
    protected = Protected("live-precopy", duration="2 ms", **{"replication.precopy.lead": "1980 us"})
    protected.start(until=30_000)
    assert protected.times("epoch")[0] == 20_000


def test_until_then_stores_are_not_noted_and_answers_leave_at_once() -> None:
    protected = evacuated(29_999)
    assert protected.released == [(1, SERVICE_NS)]
    assert protected.primary.host.processor.noted_units.size == 0
    assert everything(protected.primary.host.processor).any()


def test_a_failure_before_its_end_takes_the_vm_with_it() -> None:
    protected = evacuated(31_000)
    assert protected.protection.needs_takeover
    assert protected.complete() is None
    assert not protected.protection.settle()
    assert "was not complete" in protected.protection.remarks[0]


def test_at_its_end_memory_and_state_are_on_the_other_host() -> None:
    protected = evacuated()
    while not protected.protection.settle():
        protected.env.step()
    assert not protected.protection.needs_takeover
    assert protected.protection.committed == protected.primary.guest.capture()
    image = protected.secondary.host.memory.versions
    np.testing.assert_array_equal(image, everything(protected.primary.host.processor))
    assert image[: LINES // 4].all()


def test_the_vm_runs_there_after_restore_and_redirect() -> None:
    protected = evacuated(140_000)
    (stopped,), (complete,), (taken,) = (protected.times(kind) for kind in ("switchover", "image-complete", "takeover"))
    assert stopped < complete == taken - 10_000
    assert protected.context.recorder.epochs[-1].resumed_ns == taken
    assert (protected.primary.vm.running, protected.secondary.vm.running) == (False, True)


@pytest.mark.parametrize(("rounds", "least"), [(2, 1), (4, 1), (4, 30)])
def test_it_says_how_it_went(rounds: int, least: int) -> None:
    protected = evacuated(140_000, rounds=rounds, least=least)
    (remark,) = protected.protection.remarks
    began = 2 if least == 30 else rounds
    assert remark.startswith(f"{began} rounds, ")
    assert ("did not converge" in remark) is (least == 1)


def test_it_says_that_it_never_began() -> None:
    assert "before the evacuation began" in evacuated(20_000).protection.remarks[0]


def stopped_ns(**hypervisor: str) -> int:
    """Return how long the VM stands still until memory and state are on the other host."""
    keys = {f"hypervisor.{key}": value for key, value in hypervisor.items()}
    crash = [{"at": "80 us", "kind": "host-crash", "target": "primary"}]
    spec = {"lead": "50 us", "least": 1, "rounds": 3}
    protected = Protected("live-precopy", workload=WORKLOAD, failures=crash, **{"replication.precopy": spec}, **keys)
    protected.start([1], until=150_000)
    (stopped,), (complete,) = protected.times("switchover"), protected.times("image-complete")
    return complete - stopped


@pytest.mark.parametrize("part", ["quiesce", "vcpu_capture"])
def test_the_vm_stands_still_while_its_state_is_captured(part: str) -> None:
    assert stopped_ns(**{part: "7 us"}) - stopped_ns(**{part: "2 us"}) == 5_000


def test_the_vm_stands_still_while_its_state_is_sent() -> None:
    """On this link a byte takes a nanosecond."""
    assert stopped_ns(vcpu_state="10000 B") - stopped_ns(vcpu_state="2000 B") == 8_000


def test_the_vm_stands_still_while_the_rest_of_its_memory_is_copied() -> None:
    """Fetching a line from memory takes 20 ns."""
    protected = evacuated(140_000)
    lines, hypervisor = protected.context.recorder.epochs[-1].lines, protected.context.scenario.hypervisor
    copied_ns = protected.times("transfer")[-1] - protected.times("switchover")[0]
    assert copied_ns == hypervisor.quiesce + hypervisor.vcpu_capture + 20 * lines


def test_a_round_has_only_what_was_modified_in_the_one_before() -> None:
    precopy = {"replication.precopy": {"lead": "4 ms", "least": 1, "rounds": 6}}
    result = run(small("live-precopy", **precopy, **{"workload.instructions_per_access": 3000.0}))
    whole, first, second, *_ = result.epochs["lines"]
    assert whole > first > second
