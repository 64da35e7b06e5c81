"""Fencing: when the host given up for dead is certainly silent."""

import pytest
import simpy
from replication.machinery import new_host

from vmfailover.failover.fencing import NoFencing, Stonith, new_fencing
from vmfailover.scenario.failover import Fencing


def fence(kind: str, *, up: bool = True) -> tuple[int, bool]:
    """Fence a host; return how long that takes and whether it is up then."""
    env = simpy.Environment()
    host = new_host(env)
    if not up:
        host.crash()
    spec = Fencing.model_validate({"kind": kind, "delay": "70 ns"})
    env.run(env.process(new_fencing(env, spec).fence(host)))
    return int(env.now), host.up


@pytest.mark.parametrize("up", [True, False])
def test_stonith_is_certain_after_its_delay(up: bool) -> None:
    assert fence("stonith", up=up) == (70, False)


@pytest.mark.parametrize("up", [True, False])
def test_no_fencing_takes_no_time_and_does_nothing(up: bool) -> None:
    assert fence("none", up=up) == (0, up)


def test_a_host_runs_on_until_its_power_is_off() -> None:
    env = simpy.Environment()
    host = new_host(env)
    env.process(Stonith(env, 70).fence(host))
    env.run(until=70)
    assert host.up
    env.run()
    assert not host.up


def test_the_scenario_says_which_fencing() -> None:
    env = simpy.Environment()
    assert isinstance(new_fencing(env, Fencing()), Stonith)
    assert isinstance(new_fencing(env, Fencing(kind="none")), NoFencing)
