"""A primary that has lost its secondary: fenced first, and then alone."""

from typing import Any

import numpy as np
import pytest
import simpy
from replication.machinery import new_site

from vmfailover.failover.fencing.fencing import new_fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.failover.secondary_loss import LossOfSecondary
from vmfailover.replication.protocols.cacheline_flags.protection import CachelineFlags
from vmfailover.scenario.failover import Fencing
from vmfailover.scenario.quorum import Quorum as QuorumSpec


class Scene:
    """A primary that watches its secondary."""

    def __init__(self, **fencing: Any) -> None:
        self.env = simpy.Environment()
        self.context = new_site(self.env)
        self.protection = CachelineFlags(self.context)
        self.context.primary.guest.start(self.context.workload, self.context.start)
        self.protection.start()
        self.declared = self.env.event()
        spec = Fencing.model_validate({"delay": "70 ns", **fencing})
        primary = self.context.primary.host
        self.fencing = new_fencing(self.env, spec, np.random.default_rng(1))
        quorum = Quorum(self.env, QuorumSpec(), np.random.default_rng(1))
        loss = LossOfSecondary(self.protection, self.fencing, quorum, self.context.event_log, primary)
        primary.run_agent(loss.run(self.declared, self.context.secondary.host))

    def declare_at(self, instant: int) -> None:
        self.env.run(until=instant)
        self.declared.succeed()
        self.env.run(until=instant + 1000)

    def happened(self, kind: str) -> list[int]:
        return [event.time_ns for event in self.context.event_log.events if event.kind == kind]


def test_the_secondary_is_fenced_before_the_primary_goes_on() -> None:
    scene = Scene()
    scene.declare_at(500)
    assert scene.happened("detect-loss") == [500]
    assert scene.happened("alone") == [570]
    assert not scene.context.secondary.host.up
    assert scene.protection.alone is not None
    assert scene.context.primary.vm.running


def test_a_secondary_that_cannot_be_fenced_keeps_the_primary_waiting() -> None:
    scene = Scene(failure_probability="100 %")
    scene.declare_at(500)
    assert scene.happened("alone") == []
    assert scene.protection.alone is None
    (failed,) = (event for event in scene.context.event_log.events if event.kind == "fencing-failed")
    assert (failed.time_ns, failed.host, failed.detail) == (500 + 3 * 70, "primary", "secondary")


def test_a_primary_that_has_to_stop_itself_does_not_wait_for_the_secondary() -> None:
    scene = Scene(kind="shared-storage")
    secondary, primary = scene.context.secondary.host, scene.context.primary.host
    secondary.run_agent(scene.fencing.fence(primary, secondary))
    scene.declare_at(500)
    assert not primary.up
    assert scene.happened("alone") == scene.happened("fencing-failed") == []


@pytest.mark.parametrize("paused", [0, 1, 3])
def test_the_virtual_machine_runs_whatever_had_stopped_it(paused: int) -> None:
    scene = Scene()
    scene.env.run(until=400)
    for _ in range(paused):
        scene.context.primary.vm.pause(400)
    scene.declare_at(500)
    assert scene.context.primary.vm.running


def test_nothing_happens_once_the_virtual_machine_is_with_the_secondary() -> None:
    scene = Scene()
    scene.env.run(until=400)
    scene.protection.activate(scene.context.start)
    scene.declare_at(500)
    assert scene.happened("detect-loss") == scene.happened("alone") == []
