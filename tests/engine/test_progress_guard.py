"""The guard ends what goes on for ever at one instant, says whose it is, and leaves all else alone."""

from pathlib import Path
from typing import Any

import pytest
import simpy
from click.testing import CliRunner
from replication.machinery import new_host

from vmfailover import simulation
from vmfailover.cli.main import main
from vmfailover.cluster.cluster import Cluster
from vmfailover.engine.progress_guard import EVENTS_PER_NS, LOOK_EVENTS, SLACK_EVENTS, GuardedEnvironment
from vmfailover.engine.steps import Steps
from vmfailover.errors import NoProgressError
from vmfailover.hardware.host import Host


def spin(env: simpy.Environment, gap_ns: int = 0, events: int = 1 << 62) -> Steps:
    for _ in range(events):
        yield env.timeout(gap_ns)


def spin_from(env: simpy.Environment, instant: int) -> Steps:
    yield env.timeout(instant)
    yield from spin(env)


def test_a_process_that_takes_no_time_is_ended_and_named() -> None:
    env = GuardedEnvironment()
    env.process(spin_from(env, 1234))
    with pytest.raises(NoProgressError, match=r"stands still at 1234 ns: \d+ events there, of spin_from$"):
        env.run(until=2000)


def test_processes_that_wake_each_other_are_all_named() -> None:
    env = GuardedEnvironment()
    turns = [env.event(), env.event()]

    def ping(me: int) -> Steps:
        while True:
            yield turns[me]
            turns[me] = env.event()
            turns[1 - me].succeed()

    env.process(ping(0))
    env.process(ping(1))
    turns[0].succeed()
    with pytest.raises(NoProgressError, match=r"ping"):
        env.run(until=2000)


def test_events_without_a_process_are_named_by_what_they_call() -> None:
    env = GuardedEnvironment()

    def again(_: simpy.Event) -> None:
        env.timeout(0).callbacks.append(again)

    again(env.event())
    with pytest.raises(NoProgressError, match=r"again$"):
        env.run()


def test_progress_that_is_no_faster_than_nothing_is_none() -> None:
    env = GuardedEnvironment()
    for _ in range(20 * EVENTS_PER_NS):
        env.process(spin(env, gap_ns=1))
    with pytest.raises(NoProgressError):
        env.run(until=10_000)


def test_a_nanosecond_an_event_is_progress() -> None:
    env = GuardedEnvironment()
    env.process(spin(env, gap_ns=1))
    env.run(until=3 * SLACK_EVENTS)
    assert env.now == 3 * SLACK_EVENTS


def test_an_instant_may_answer_all_that_has_happened_before() -> None:
    env = GuardedEnvironment()
    env.process(spin(env, gap_ns=1, events=4 * SLACK_EVENTS))
    env.run()
    env.process(spin(env, events=4 * SLACK_EVENTS))
    env.run()
    env.process(spin(env))
    with pytest.raises(NoProgressError):
        env.run()


def test_the_error_comes_after_the_slack_and_not_before() -> None:
    env = GuardedEnvironment()
    process = env.process(spin(env, events=SLACK_EVENTS - LOOK_EVENTS))
    env.run()
    assert not process.is_alive


def test_a_process_of_a_host_is_named_with_it() -> None:
    env = GuardedEnvironment()
    host: Host = new_host(env, "secondary")
    host.run(spin(env))
    with pytest.raises(NoProgressError, match=r"of spin on secondary$"):
        env.run()


SCENARIO = """\
name: turning
duration: 2 ms
hosts: {primary: {preset: power8}, secondary: {preset: power8}}
vm: {vcpus: 1, memory: 4 MiB}
workload: {kind: idle}
replication: {protocol: cacheline-flags, checkpoint_interval: 1 ms}
link: {bandwidth: 10 Gbit/s, latency: 20 us}
"""


def test_a_run_without_progress_is_one_line_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Turning(Cluster):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.primary.host.run(spin_from(self.env, 1000))

    monkeypatch.setattr(simulation, "Cluster", Turning)
    file = tmp_path / "turning.yaml"
    file.write_text(SCENARIO)
    ended = CliRunner().invoke(main, ["run", str(file)])
    assert ended.exit_code == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: turning: simulated time stands still at 1000 ns: ")
    assert "spin_from on primary" in line
