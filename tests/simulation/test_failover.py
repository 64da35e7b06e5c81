"""From a failure, real or not, to the VM running on the other host."""

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import mostly_slow
from messages_for_tests import Mailbox, Parcel
from runs_for_tests import FEW_VARIANTS, Observed, broken, happened, observe, record_of, variants
from scenarios_for_tests import VARIANTS, minute, small

from vmfailover.hardware.link import Channel
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

#: The epoch in which `at_phase` strikes.
STRUCK = 2
PARTS = ("detection", "fencing", "apply", "activation")
#: A link that a checkpoint keeps busy for longer than the secondary waits for a heartbeat.
CONGESTED = {"link.bandwidth": "60 Mbit/s", "replication.batch": 512, "failures": []}


@settings(max_examples=12, deadline=None)
@given(
    variant=st.sampled_from(sorted(VARIANTS.keys() - {"no-failure"})),
    seed=st.integers(0, 2**32),
    at_us=st.integers(1, 600),
    timeout_us=st.integers(101, 200),
)
def test_the_parts_of_the_latency_add_up(variant: str, seed: int, at_us: int, timeout_us: int) -> None:
    times = {"failures.0.at": f"{at_us} us", "detection.timeout": f"{timeout_us} us"}
    values = run(minute(variant, seed=seed, **times)).values
    parts = [values[f"failover.{part}_ns"] for part in PARTS]
    latency = values["failover.latency_ns"]
    if latency is not None:
        assert sum(part for part in parts if part is not None) == latency


@pytest.mark.parametrize("variant", variants(sorted(VARIANTS.keys() - {"no-failure"}), FEW_VARIANTS))
def test_the_parts_are_what_the_scenario_says(variant: str) -> None:
    scenario = small(variant)
    values = run(scenario).values
    hypervisor, detection = scenario.hypervisor, scenario.detection
    latency, detected, fenced, applied, activated = (
        int(values[f"failover.{part}_ns"] or 0) for part in ("latency", *PARTS)
    )
    assert latency == detected + fenced + applied + activated > 0
    assert detection.timeout - detection.interval <= detected
    assert fenced == scenario.fencing.delay
    assert applied >= 0
    assert activated == hypervisor.restore + hypervisor.redirect


def struck(phase: str, variant: str) -> Observed:
    failure = {"at_phase": phase, "epoch": STRUCK, "kind": "host-crash", "target": "primary"}
    run = observe(small(variant, failures=[failure]))
    assert not broken(run)
    assert len(happened(run.result, "failure")) == len(happened(run.result, "takeover")) == 1
    return run


def reached(run: Observed) -> dict[str, bool]:
    """Say which events of the struck epoch ever happened."""
    kinds = ("final-scan", "capture", "harvest", "resume", "transfer", "lines-sent", "staged", "commit", "acknowledge")
    return {kind: bool(happened(run.result, kind, STRUCK)) for kind in kinds}


def since(run: Observed, kind: str) -> tuple[int, int]:
    """Return how long after an event of the struck epoch the failure came, and how long the event lasts."""
    (event,) = happened(run.result, kind, STRUCK)
    (failure,) = happened(run.result, "failure")
    return failure.time_ns - event.time_ns, event.duration_ns


def taken_over_from(run: Observed) -> int:
    (takeover,) = happened(run.result, "takeover")
    return takeover.epoch


struck_variants = pytest.mark.parametrize(
    "variant", mostly_slow(["base", "no-streaming", "lossy-link", "three-vcpus-log"], "base", "no-streaming")
)


@struck_variants
def test_a_crash_in_the_middle_of_the_final_scan(variant: str) -> None:
    run = struck("mid-scan", variant)
    after, duration = since(run, "final-scan")
    assert after == duration // 2 > 0
    assert {kind for kind, seen in reached(run).items() if seen} == {"final-scan"}
    assert taken_over_from(run) == STRUCK - 1


@struck_variants
def test_a_crash_in_the_middle_of_the_harvest(variant: str) -> None:
    run = struck("mid-harvest", variant)
    after, duration = since(run, "harvest")
    assert after == duration // 2 > 0
    assert {kind for kind, seen in reached(run).items() if seen} == {"final-scan", "capture", "harvest"}
    assert taken_over_from(run) == STRUCK - 1


@struck_variants
def test_a_crash_in_the_middle_of_the_transfer(variant: str) -> None:
    run = struck("mid-transfer", variant)
    after, duration = since(run, "transfer")
    assert after == duration // 2 > 0
    assert not reached(run)["lines-sent"]
    assert not reached(run)["staged"]
    assert taken_over_from(run) == STRUCK - 1


@struck_variants
def test_a_crash_after_staging(variant: str) -> None:
    run = struck("after-staging", variant)
    after, duration = since(run, "lines-sent")
    assert after == duration // 2 > 0
    assert reached(run)["staged"] or variant == "lossy-link"  # on which lines that are lost come later
    assert not reached(run)["commit"]
    assert taken_over_from(run) == STRUCK - 1


@struck_variants
def test_a_crash_between_commit_and_acknowledgement(variant: str) -> None:
    run = struck("between-commit-and-ack", variant)
    after, duration = since(run, "commit")
    assert after == duration // 2 > 0
    assert reached(run)["commit"]
    assert not reached(run)["acknowledge"]
    assert taken_over_from(run) == STRUCK


def test_a_false_alarm_ends_with_the_primary_fenced() -> None:
    run = observe(small("no-streaming", **CONGESTED))
    (detected,) = happened(run.result, "detect")
    assert run.cluster.link.forward.statistics.busy_ns > 0
    assert not happened(run.result, "failure")
    assert len(happened(run.result, "takeover")) == 1
    assert run.result.spans["primary"][-1][1] > detected.time_ns
    assert run.result.values["loss.split_brain_ns"] == 0
    assert not broken(run)


def without_fencing(**more: object) -> Scenario:
    return small("no-streaming", **{**CONGESTED, "fencing": {"kind": "none", "delay": "0 us"}, **more})


def test_a_false_alarm_without_fencing_is_measured() -> None:
    run = observe(without_fencing())
    (takeover,) = happened(run.result, "takeover")
    primary = sum(
        end - max(begin, takeover.time_ns) for begin, end in run.result.spans["primary"] if end > takeover.time_ns
    )
    split_brain_ns = run.result.values["loss.split_brain_ns"]
    assert isinstance(split_brain_ns, int)
    assert 0 < split_brain_ns <= primary
    assert not broken(run)
    assert [verdict.detail for verdict in run.result.verdicts if verdict.name == "one_active_vm"] == [
        f"waived by fencing: none; both hosts ran the VM for {split_brain_ns / 1e6:g} ms"
    ]


@pytest.mark.parametrize("quantum", mostly_slow([64, 4096], 4096))
def test_two_active_vms_are_the_same_for_any_quantum(quantum: int) -> None:
    assert record_of(run(without_fencing(), quantum=quantum)) == record_of(run(without_fencing()))


def test_no_duration_is_negative_if_the_failure_comes_after_a_false_alarm() -> None:
    crash = {"at": "7 ms", "kind": "host-crash", "target": "primary"}
    run = observe(without_fencing(failures=[crash]))
    (takeover,) = happened(run.result, "takeover")
    (fault,) = happened(run.result, "fault")
    assert takeover.time_ns < fault.time_ns
    assert not broken(run)
    assert [name for name, value in run.result.values.items() if value is not None and value < 0] == []


def test_a_dead_host_does_not_send_again_what_was_lost() -> None:
    env = simpy.Environment()
    spec = small(**{"link.loss": "60 %", "link.retransmission_timeout": "1 ms"}).link
    channel = Channel(env, spec, np.random.default_rng(1))
    there = Mailbox(env)
    env.process(channel.send(Parcel(15_000), there))
    env.run(until=500_000)
    assert channel.statistics.retransmitted_frames > 0
    channel.sever()
    env.run()
    assert there.arrived == []


def test_a_missed_device_write_breaks_the_image() -> None:
    assert not broken(observe(small("no-streaming")))
    missed = broken(observe(small("no-streaming", hypervisor_writes="missed")))
    assert missed.keys() == {"image", "nothing_lost_in_log", "program"}
