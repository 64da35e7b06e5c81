"""The injector: the right host at the right instant, once."""

from typing import Any, get_args

import pytest
import simpy
from replication.machinery import new_host

from vmfailover.failover.faults import PHASES, Injector
from vmfailover.journal import Journal
from vmfailover.scenario.failover import Failure


class Scene:
    """A host that a failure is armed for, and a journal of epochs that others write."""

    def __init__(self, **failure: Any) -> None:
        self.env = simpy.Environment()
        self.host = new_host(self.env)
        self.journal = Journal(self.env)
        spec = Failure.model_validate({"kind": "host-crash", "target": "primary", **failure})
        Injector(self.env, self.journal, spec, self.host)

    def record_at(self, instant: int, kind: str, epoch: int, duration: int) -> None:
        def record() -> Any:
            yield self.env.timeout(instant)
            self.journal.record(kind, "primary", epoch=epoch, duration_ns=duration)

        self.env.process(record())

    @property
    def failures(self) -> list[tuple[int, str]]:
        return [(event.time_ns, event.host) for event in self.journal.events if event.kind == "failure"]


@pytest.mark.parametrize("instant", [0, 250])
def test_a_failure_strikes_at_its_time(instant: int) -> None:
    scene = Scene(at=f"{instant} ns")
    assert scene.host.up
    scene.env.run()
    assert scene.env.now == instant
    assert scene.failures == [(instant, scene.host.name)]
    assert not scene.host.up


def test_every_phase_of_a_scenario_is_known_and_no_other() -> None:
    (phases,) = (kind for kind in get_args(Failure.model_fields["at_phase"].annotation) if kind is not type(None))
    assert set(PHASES) == set(get_args(phases))


@pytest.mark.parametrize(("phase", "kind"), PHASES.items())
def test_a_failure_strikes_half_way_through_its_phase_of_its_epoch(phase: str, kind: str) -> None:
    scene = Scene(at_phase=phase, epoch=2)
    for epoch in range(5):
        for number, other in enumerate(PHASES.values()):
            scene.record_at(1000 * epoch + 100 * number, other, epoch, 51)
    scene.env.run()
    assert scene.failures == [(2000 + 100 * list(PHASES.values()).index(kind) + 25, scene.host.name)]


def test_a_failure_of_an_epoch_that_never_comes_does_not_strike() -> None:
    scene = Scene(at_phase="mid-scan", epoch=2)
    scene.record_at(10, "final-scan", 1, 10)
    scene.env.run()
    assert (scene.failures, scene.host.up) == ([], True)


def test_a_host_that_is_down_does_not_fail_again() -> None:
    scene = Scene(at="250 ns")
    scene.env.run(until=100)
    scene.host.crash()
    scene.env.run()
    assert scene.failures == []
