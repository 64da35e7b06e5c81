"""Fencing: when the host given up for dead is certainly silent, and who may go on."""

from typing import Any

import numpy as np
import pytest
import simpy
from replication.machinery import new_host

from vmfailover.failover.fencing import Arbiter, Fencing, NoFencing, Stonith, new_fencing
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing as FencingSpec


class Scene:
    """Two hosts and what they fence each other with."""

    def __init__(self, kind: str, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.hosts = [new_host(self.env, name) for name in ("primary", "secondary")]
        spec = FencingSpec.model_validate({"kind": kind, "delay": "70 ns", "lease": "30 ns", **keys})
        self.fencing: Fencing = new_fencing(self.env, spec, np.random.default_rng(5))
        self.answers: dict[str, tuple[int, bool]] = {}

    def fence(self, by: int) -> None:
        """Let one host fence the other, and note when it was told what."""

        def fence(host: Host, victim: Host) -> Any:
            answer = yield from self.fencing.fence(victim, host)
            self.answers[host.name] = (int(self.env.now), answer)

        self.hosts[by].run_agent(fence(self.hosts[by], self.hosts[1 - by]))

    @property
    def up(self) -> list[bool]:
        return [host.up for host in self.hosts]


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(("kind", "after"), [("stonith", 70), ("shared-storage", 70), ("witness", 100)])
def test_the_victim_is_silent_when_it_is_said_to_be(kind: str, after: int, alive: bool) -> None:
    scene = Scene(kind)
    if not alive:
        scene.hosts[0].crash()
    scene.fence(1)
    scene.env.run(until=after)
    assert scene.up == [alive, True]
    scene.env.run()
    assert scene.up == [False, True]
    assert scene.answers == {"secondary": (after, True)}


@pytest.mark.parametrize("alive", [True, False])
def test_no_fencing_takes_no_time_and_does_nothing(alive: bool) -> None:
    scene = Scene("none")
    if not alive:
        scene.hosts[0].crash()
    scene.fence(1)
    scene.env.run()
    assert scene.up == [alive, True]
    assert scene.answers == {"secondary": (0, True)}


@pytest.mark.parametrize("kind", ["stonith", "shared-storage", "witness"])
@pytest.mark.parametrize("first", [0, 1])
def test_of_two_that_fence_each_other_one_goes_on(kind: str, first: int) -> None:
    scene = Scene(kind)
    scene.fence(first)
    scene.env.run(until=5)
    scene.fence(1 - first)
    scene.env.run()
    assert scene.up[first]
    assert not scene.up[1 - first]
    assert [name for name, (_, safe) in scene.answers.items() if safe] == [scene.hosts[first].name]


@pytest.mark.parametrize(("attempts", "safe"), [(1, False), (40, True)])
def test_orders_that_fail_are_repeated(attempts: int, safe: bool) -> None:
    scene = Scene("stonith", failure_probability="90 %", attempts=attempts)
    scene.fence(1)
    scene.env.run()
    assert scene.answers["secondary"][1] is safe
    assert scene.hosts[0].up is not safe
    assert scene.env.now % 70 == 0
    assert (scene.env.now == 70) is not safe


@pytest.mark.parametrize(
    ("kind", "fencing"), [("stonith", Stonith), ("shared-storage", Arbiter), ("witness", Arbiter), ("none", NoFencing)]
)
def test_the_scenario_says_which_fencing(kind: str, fencing: type) -> None:
    assert isinstance(Scene(kind).fencing, fencing)
