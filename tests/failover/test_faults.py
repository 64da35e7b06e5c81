"""The injector: the right thing at the right instant, and taken back when it passes."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from messages_for_tests import Mailbox, Parcel
from replication.machinery import new_site

from vmfailover.engine.event_log import EventLog
from vmfailover.failover.faults.acting import ActingFaults
from vmfailover.failover.injector import PHASES, STEPS, Injector, instant
from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.scenario.failover import Failure, RandomInstant


class PairTargets:
    """Two hosts, the first of which has the VM, and what they report."""

    def __init__(self, context: ProtectionContext) -> None:
        primary, secondary = context.primary, context.secondary
        self.hosted = {"primary": primary, "secondary": secondary, "active": primary, "standby": secondary}
        self.channels = {"forward": context.link.forward, "backward": context.link.backward}
        self.reported: list[str] = []

    def report(self, host: str) -> None:
        self.reported.append(host)


class Scene:
    """Two hosts and a link that a fault is armed for, and a log of events that others write."""

    def __init__(self, **failure: Any) -> None:
        self.env = simpy.Environment()
        context = new_site(self.env)
        self.primary, self.secondary = context.primary, context.secondary
        self.host, self.link = context.primary.host, context.link
        self.event_log = EventLog(self.env)
        self._targets = PairTargets(context)
        self.reported = self._targets.reported
        self._acting = ActingFaults()
        self.arm(**failure)

    def arm(self, **failure: Any) -> None:
        spec = Failure.model_validate({"kind": "host-crash", **failure})
        Injector(self.env, self.event_log, spec, self._targets, self._acting, np.random.default_rng(1))

    def record_at(self, instant: int, kind: str, epoch: int = -1, duration: int = 0) -> None:
        def record() -> Any:
            yield self.env.timeout(instant)
            self.event_log.record(Kind(kind), "primary", epoch=epoch, duration_ns=duration)

        self.env.process(record())

    def happened(self, kind: str) -> list[tuple[int, str, str]]:
        events = self.event_log.events
        return [(event.time_ns, event.host, event.detail) for event in events if event.kind == kind]

    @property
    def failures(self) -> list[tuple[int, str]]:
        return [(time_ns, host) for time_ns, host, _ in self.happened("failure")]


@pytest.mark.parametrize("instant_ns", [0, 250])
def test_a_failure_strikes_at_its_time(instant_ns: int) -> None:
    scene = Scene(at=f"{instant_ns} ns")
    assert scene.host.up
    scene.env.run()
    assert scene.env.now == instant_ns
    assert scene.failures == [(instant_ns, scene.host.name)]
    assert not scene.host.up


def test_every_phase_of_a_scenario_is_known_and_no_other() -> None:
    (phases,) = (kind for kind in get_args(Failure.model_fields["at_phase"].annotation) if kind is not type(None))
    assert PHASES.keys() | STEPS.keys() == set(get_args(phases))


@pytest.mark.parametrize(("phase", "kind"), PHASES.items())
def test_a_failure_strikes_half_way_through_its_phase_of_its_epoch(phase: str, kind: str) -> None:
    scene = Scene(at_phase=phase, epoch=2, delay="3 ns")
    for epoch in range(5):
        for number, other in enumerate(PHASES.values()):
            scene.record_at(1000 * epoch + 100 * number, other, epoch, 51)
    scene.env.run()
    assert scene.failures == [(2000 + 100 * list(PHASES.values()).index(Kind(kind)) + 28, scene.host.name)]


def test_a_failure_of_an_epoch_that_never_comes_does_not_strike() -> None:
    scene = Scene(at_phase="mid-scan", epoch=2)
    scene.record_at(10, "final-scan", 1, 10)
    scene.env.run()
    assert (scene.failures, scene.host.up) == ([], True)


@pytest.mark.parametrize(("phase", "kind"), STEPS.items())
def test_a_second_failure_strikes_at_the_first_such_step(phase: str, kind: str) -> None:
    scene = Scene(at_phase=phase, target="secondary", delay="7 ns")
    for at in (100, 300):
        scene.record_at(at, kind)
    scene.env.run()
    assert scene.happened("fault") == [(107, "secondary", "host-crash")]


def test_a_host_that_is_down_does_not_fail_again() -> None:
    scene = Scene(at="250 ns")
    scene.env.run(until=100)
    scene.host.crash()
    scene.env.run()
    assert scene.failures == []


def test_the_loss_of_power_strikes_both() -> None:
    scene = Scene(at="5 ns", kind="power-loss")
    scene.env.run()
    assert not scene.host.up
    assert not scene.secondary.host.up
    assert len(scene.happened("failure")) == len(scene.happened("fault")) == 1


@pytest.mark.parametrize(("kind", "reported"), [("vm-crash", []), ("memory-error", ["primary"])])
def test_a_virtual_machine_ends_and_what_it_sent_does_not(kind: str, reported: list[str]) -> None:
    scene = Scene(at="5 ns", kind=kind)
    there = Mailbox(scene.env)
    scene.link.forward.send_datagram(Parcel(1000), there)
    scene.env.run()
    assert not scene.host.up
    assert there.arrived
    assert scene.reported == reported


@pytest.mark.parametrize("target", ["primary", "active"])
def test_a_hang_passes_on_the_host_that_it_struck(target: str) -> None:
    scene = Scene(at="5 ns", kind="hypervisor-hang", lasts="20 ns", target=target)
    scene.env.run(until=20)
    assert scene.host.frozen
    assert scene.host.up
    scene.env.run()
    assert not scene.host.frozen
    assert scene.happened("passed") == [(25, "primary", "hypervisor-hang")]


def test_what_struck_nothing_does_not_pass() -> None:
    scene = Scene(at="5 ns", kind="hypervisor-hang", lasts="20 ns")
    scene.host.crash()
    scene.env.run()
    assert scene.happened("failure") == scene.happened("passed") == []


def test_what_is_down_meanwhile_does_not_work_again() -> None:
    scene = Scene(at="5 ns", kind="hypervisor-hang", lasts="20 ns")
    scene.arm(at="7 ns", kind="slow-host", lasts="10 ns")
    scene.arm(at="10 ns", kind="host-crash")
    scene.arm(at="6 ns", kind="slow-host", lasts="10 ns", target="secondary")
    scene.env.run()
    assert scene.happened("passed") == [(16, "secondary", "slow-host")]


def test_a_slow_host_takes_longer_for_everything() -> None:
    scene = Scene(at="5 ns", kind="slow-host", factor=3.0, lasts="20 ns")
    costs = scene.host.processor.state.costs
    before = costs.copy()
    scene.env.run(until=20)
    assert (costs == 3 * before).all()
    assert scene.host.processor.slowdown == 3
    scene.env.run()
    assert (costs == before).all()


def test_a_flapping_link_is_cut_and_restored() -> None:
    scene = Scene(at="100 ns", kind="link-cut", lasts="30 ns", repeat=3, every="100 ns", target="forward")
    scene.env.run()
    assert [time_ns for time_ns, _, _ in scene.happened("fault")] == [100, 200, 300]
    assert [time_ns for time_ns, _, _ in scene.happened("passed")] == [130, 230, 330]


def test_a_link_that_loses_everything_is_cut() -> None:
    scene = Scene(at="5 ns", kind="link-loss", share="100 %", lasts="10 ns")
    scene.env.run(until=6)
    channels = scene.link.forward, scene.link.backward
    assert all(channel.is_cut for channel in channels)
    scene.env.run(until=16)
    assert not any(channel.is_cut for channel in channels)


@pytest.mark.parametrize(("kind", "loss", "slowdown"), [("link-loss", 0.1, 1), ("link-slow", 0.0, 10)])
def test_a_link_degrades_and_recovers(kind: str, loss: float, slowdown: float) -> None:
    scene = Scene(at="5 ns", kind=kind, lasts="20 ns")
    channels = scene.link.forward, scene.link.backward
    scene.env.run(until=20)
    assert [(channel.loss, channel.slowdown) for channel in channels] == [(loss, slowdown)] * 2
    scene.env.run()
    assert [(channel.loss, channel.slowdown) for channel in channels] == [(0.0, 1)] * 2


# Faults that overlap, the first from 100 to 400 ns, the second from 200 ns on: it ends later, or earlier.

#: For each time that the second lasts, instants in the first alone, in both, and in the one that ends later.
LOOKS = {"500 ns": (150, 350, 650), "100 ns": (150, 250, 350)}


def overlapping(lasts: str, first: dict[str, Any], second: dict[str, Any]) -> Scene:
    """Return a scene in which one fault lasts from 100 to 400 ns, and another from 200 ns on."""
    scene = Scene(at="100 ns", lasts="300 ns", **first)
    scene.arm(at="200 ns", lasts=lasts, **second)
    return scene


def looked_at(scene: Scene, lasts: str, look: Callable[[], Any]) -> list[Any]:
    """Return what is seen while the first acts alone, then both, then the one that ends later, and after that."""
    seen = []
    for instant_ns in LOOKS[lasts]:
        scene.env.run(until=instant_ns)
        seen.append(look())
    scene.env.run()
    return [*seen, look()]


@pytest.mark.parametrize("lasts", LOOKS)
def test_losses_that_overlap_are_independent_of_each_other(lasts: str) -> None:
    kind = "link-loss"
    scene = overlapping(lasts, {"kind": kind, "share": "30 %"}, {"kind": kind, "share": "50 %", "target": "forward"})
    later = 0.5 if lasts == "500 ns" else 0.3
    assert looked_at(scene, lasts, lambda: scene.link.forward.loss) == [0.3, pytest.approx(0.65), later, 0.0]
    assert scene.link.backward.loss == 0


@pytest.mark.parametrize("lasts", LOOKS)
def test_slowdowns_of_a_link_that_overlap_multiply(lasts: str) -> None:
    kind = "link-slow"
    scene = overlapping(lasts, {"kind": kind, "factor": 4.0}, {"kind": kind, "factor": 3.0})
    later = 3 if lasts == "500 ns" else 4
    assert looked_at(scene, lasts, lambda: scene.link.backward.slowdown) == [4, 12, later, 1]


@pytest.mark.parametrize("lasts", LOOKS)
@pytest.mark.parametrize(("first", "second"), [("link-loss", "link-slow"), ("link-slow", "link-loss")])
def test_a_fault_of_another_kind_ends_by_itself(first: str, second: str, lasts: str) -> None:
    scene = overlapping(lasts, {"kind": first}, {"kind": second})
    channel = scene.link.forward
    both = {"link-loss": 0.1, "link-slow": 10.0}
    one = both[second if lasts == "500 ns" else first]
    seen = looked_at(scene, lasts, lambda: {channel.loss, channel.slowdown} - {0.0, 1.0})
    assert seen == [{both[first]}, set(both.values()), {one}, set()]


@pytest.mark.parametrize("lasts", LOOKS)
@pytest.mark.parametrize("second", [{"kind": "link-cut"}, {"kind": "link-loss", "share": "100 %"}])
def test_a_link_is_cut_as_long_as_a_fault_cuts_it(second: dict[str, Any], lasts: str) -> None:
    scene = overlapping(lasts, {"kind": "link-cut"}, second)
    assert looked_at(scene, lasts, lambda: scene.link.forward.is_cut) == [True, True, True, False]


@pytest.mark.parametrize("lasts", LOOKS)
def test_slowdowns_of_a_host_that_overlap_multiply(lasts: str) -> None:
    kind = "slow-host"
    scene = overlapping(lasts, {"kind": kind, "factor": 2.0}, {"kind": kind, "factor": 3.0, "target": "active"})
    costs = scene.host.processor.state.costs
    before = costs.copy()
    later = 3 if lasts == "500 ns" else 2
    assert looked_at(scene, lasts, lambda: costs.sum() / before.sum()) == [2, 6, later, 1]


@pytest.mark.parametrize("lasts", LOOKS)
def test_a_host_hangs_as_long_as_a_fault_makes_it_hang(lasts: str) -> None:
    kind = "hypervisor-hang"
    scene = overlapping(lasts, {"kind": kind}, {"kind": kind})
    assert looked_at(scene, lasts, lambda: scene.host.frozen) == [True, True, True, False]


@pytest.mark.parametrize("lasts", LOOKS)
@pytest.mark.parametrize("kind", ["hypervisor-hang", "slow-host", "link-cut", "link-loss", "link-slow"])
def test_what_another_fault_of_the_kind_acts_on_does_not_work_again_yet(kind: str, lasts: str) -> None:
    scene = overlapping(lasts, {"kind": kind}, {"kind": kind})
    scene.env.run()
    ended = max(400, 200 + int(lasts.removesuffix(" ns")))
    assert [(time_ns, detail) for time_ns, _, detail in scene.happened("passed")] == [(ended, kind)] * 2


def test_a_direction_of_the_link_does_not_keep_the_other_from_working_again() -> None:
    scene = Scene(at="100 ns", kind="link-slow", lasts="300 ns", target="forward")
    scene.arm(at="200 ns", kind="link-slow", lasts="400 ns", target="backward")
    scene.arm(at="300 ns", kind="link-slow", lasts="50 ns")
    scene.env.run()
    passed = [(time_ns, struck) for time_ns, struck, _ in scene.happened("passed")]
    assert passed == [(400, "forward"), (600, "backward"), (600, "both")]


def test_what_never_passes_keeps_its_host_from_working_again() -> None:
    scene = Scene(at="100 ns", kind="hypervisor-hang", lasts="300 ns")
    scene.arm(at="200 ns", kind="hypervisor-hang")
    scene.env.run()
    assert scene.host.frozen
    assert scene.happened("passed") == []


@pytest.mark.parametrize("distribution", ["exponential", "weibull", "uniform"])
def test_random_instants_have_their_mean(distribution: str) -> None:
    spec = RandomInstant.model_validate({"distribution": distribution, "mean": "1 ms"})
    random = np.random.default_rng(3)
    drawn = [instant(spec, random) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(1e6, rel=0.05)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_an_instant_of_a_list_is_one_of_them(instants: list[int]) -> None:
    spec = RandomInstant.model_validate({"distribution": "instants", "instants": [f"{each} ns" for each in instants]})
    assert instant(spec, np.random.default_rng(1)) in instants
