"""A host: what runs on it ends with it, and what it has sent outlives it."""

from typing import Any

import numpy as np
import pytest
import simpy
from computers import processor
from messages_for_tests import Mailbox, Parcel

from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel
from vmfailover.scenario.network import Link


def new_host(env: simpy.Environment) -> Host:
    unit = processor()
    spec = Link.model_validate({"bandwidth": "8 Gbit/s", "latency": "500 ns", "overhead": "0 B"})
    return Host(env, "primary", unit, unit.memory, Channel(env, spec, np.random.default_rng(1)))


def new_endpoint(host: Host, taken: list[int]) -> Endpoint:
    """Return an endpoint of a host that keeps the numbers of the parcels that it handles."""
    endpoint = Endpoint(host)
    endpoint.on(Parcel, lambda parcel: taken.append(parcel.number))
    return endpoint


def tick(env: simpy.Environment, ticks: list[int]) -> Any:
    while True:
        yield env.timeout(10)
        ticks.append(int(env.now))


def test_a_process_runs_to_its_end_and_gives_its_answer() -> None:
    env = simpy.Environment()

    def answer() -> Any:
        yield env.timeout(5)
        return 42

    assert env.run(new_host(env).run(answer())) == 42


def careful(event: simpy.Event) -> Any:
    try:
        yield event
    except ValueError as error:
        return f"caught {error}"


def test_a_process_is_told_that_an_event_has_failed() -> None:
    env = simpy.Environment()
    event = env.event()
    process = new_host(env).run(careful(event))
    env.run(until=1)
    event.fail(ValueError("a disk"))
    assert env.run(process) == "caught a disk"


def test_a_host_that_hangs_tells_of_a_failure_late() -> None:
    env = simpy.Environment()
    host, event = new_host(env), env.event()
    process = host.run(careful(event))
    env.run(until=1)
    host.freeze()
    event.fail(ValueError("a disk"))
    env.run(until=5)
    assert process.is_alive
    host.thaw()
    assert env.run(process) == "caught a disk"


def test_a_failure_that_nobody_expects_ends_the_run() -> None:
    env = simpy.Environment()
    event = env.event()

    def careless() -> Any:
        yield event

    new_host(env).run(careless())
    env.run(until=1)
    event.fail(ValueError("a disk"))
    with pytest.raises(ValueError, match="a disk"):
        env.run()


def test_a_crash_ends_every_process_of_the_host_and_no_other() -> None:
    env = simpy.Environment()
    host, other = new_host(env), new_host(env)
    ticks: list[list[int]] = [[], [], []]
    processes = [owner.run(tick(env, mine)) for owner, mine in zip((host, host, other), ticks, strict=True)]
    env.run(until=25)
    host.crash()
    env.run(until=45)
    assert ticks == [[10, 20], [10, 20], [10, 20, 30, 40]]
    assert [process.is_alive for process in processes] == [False, False, True]
    assert (host.up, other.up) == (False, True)


def test_a_process_may_clean_up_when_its_host_crashes() -> None:
    env = simpy.Environment()
    host = new_host(env)
    closed: list[int] = []

    def careful() -> Any:
        try:
            yield env.timeout(100)
        finally:
            closed.append(int(env.now))

    host.run(careful())
    env.run(until=30)
    host.crash()
    env.run()
    assert closed == [30]


def test_the_process_that_crashes_its_host_gets_to_its_end() -> None:
    env = simpy.Environment()
    host = new_host(env)
    steps: list[str] = []

    def suicide() -> Any:
        yield env.timeout(1)
        host.crash()
        steps.append("crashed")

    host.run(suicide())
    env.run()
    assert steps == ["crashed"]


def test_a_crash_is_told_once() -> None:
    env = simpy.Environment()
    host = new_host(env)
    told: list[float] = []
    assert host.down.callbacks is not None
    host.down.callbacks.append(lambda _: told.append(env.now))
    env.run(until=7)
    host.crash()
    env.run(until=9)
    host.crash()
    env.run()
    assert told == [7]


def test_what_has_left_a_host_arrives_after_its_crash_and_nothing_else() -> None:
    env = simpy.Environment()
    host = new_host(env)
    there = Mailbox(env)
    host.out.send_datagram(Parcel(100, 1), there)
    host.out.send_datagram(Parcel(100, 2), there)
    env.run(until=150)
    host.crash()
    host.out.send_datagram(Parcel(1, 3), there)
    env.run()
    assert there.numbers == [1]


def test_a_host_that_hangs_does_nothing_and_is_late_afterwards() -> None:
    env = simpy.Environment()
    host = new_host(env)
    ticks: list[int] = []
    host.run(tick(env, ticks))
    env.run(until=15)
    host.freeze()
    env.run(until=47)
    assert ticks == [10]
    host.thaw()
    env.run(until=70)
    assert ticks == [10, 47, 57, 67]


def test_what_arrives_during_a_hang_is_taken_afterwards_in_order() -> None:
    env = simpy.Environment()
    host = new_host(env)
    taken: list[int] = []
    first, second = new_endpoint(host, taken), new_endpoint(host, taken)
    host.freeze()
    for number, endpoint in enumerate((first, second, first)):
        endpoint.receive(Parcel(1, number))
    assert taken == []
    host.thaw()
    first.receive(Parcel(1, 3))
    assert taken == [0, 1, 2, 3]


def test_a_dead_host_takes_nothing_and_does_not_come_back() -> None:
    env = simpy.Environment()
    host = new_host(env)
    taken: list[int] = []
    endpoint = new_endpoint(host, taken)
    host.freeze()
    endpoint.receive(Parcel(1, 0))
    host.crash()
    host.thaw()
    endpoint.receive(Parcel(1, 1))
    assert taken == []


def test_the_agent_outlives_the_other_processes() -> None:
    env = simpy.Environment()
    host = new_host(env)
    ticks: list[int] = []
    agent: list[int] = []
    host.run(tick(env, ticks))
    host.run_agent(tick(env, agent))
    env.run(until=15)
    host.end_processes()
    env.run(until=35)
    assert (ticks, agent) == ([10], [10, 20, 30])
    host.stop()
    env.run(until=55)
    assert agent == [10, 20, 30]


def test_what_a_stopped_host_has_sent_leaves() -> None:
    env = simpy.Environment()
    host = new_host(env)
    there = Mailbox(env)
    host.out.send_datagram(Parcel(100, 1), there)
    host.out.send_datagram(Parcel(100, 2), there)
    env.run(until=150)
    host.stop()
    env.run()
    assert there.numbers == [1, 2]


def test_a_host_that_faces_another_one_sends_over_its_new_channel_and_loses_that_with_a_crash() -> None:
    env = simpy.Environment()
    host, other = new_host(env), new_host(env)
    before, after = host.out, other.out
    host.connect(after)
    there, gone = Mailbox(env), Mailbox(env)
    host.out.send_datagram(Parcel(100, 1), gone)
    before.send_datagram(Parcel(100, 2), there)
    host.crash()
    env.run()
    assert (gone.numbers, there.numbers) == ([], [2])


def test_no_process_runs_on_a_host_that_is_down() -> None:
    env = simpy.Environment()
    host = new_host(env)
    host.crash()
    ran: list[int] = []

    def process() -> Any:
        ran.append(int(env.now))
        yield env.timeout(1)

    for start in (host.run, host.run_agent):
        env.run(start(process()))
    assert not ran
