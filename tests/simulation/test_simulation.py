"""A run that is cut into parts, looked into and looked on at."""

import logging
from typing import Any

import pytest
from runs_for_tests import record_of
from scenarios_for_tests import small

from vmfailover import Scenario, Simulation, run
from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer, hooks
from vmfailover.errors import InputError, NoProgressError
from vmfailover.records.events import Event, Kind


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return small("base")


@pytest.fixture(scope="module")
def whole(scenario: Scenario) -> dict[str, Any]:
    return record_of(run(scenario))


class Onlooker(Observer):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.clusters: list[Cluster] = []
        self.events: list[Event] = []
        self.looks_ns: list[int] = []
        self.ends = 0

    def begin(self, cluster: Cluster) -> None:
        assert not cluster.event_log.events
        self.clusters.append(cluster)

    def event(self, event: Event) -> None:
        assert event.time_ns == int(self.clusters[0].env.now)
        self.events.append(event)

    def look(self, now_ns: int) -> None:
        assert now_ns == int(self.clusters[0].env.now)
        self.looks_ns.append(now_ns)

    def end(self) -> None:
        self.ends += 1


def test_a_run_cut_anywhere_is_the_same(scenario: Scenario, whole: dict[str, Any]) -> None:
    simulation = Simulation(scenario)
    for instant in (0, 1, 123_457, scenario.duration // 3):
        simulation.run(until=instant)
        assert simulation.now_ns == instant
    simulation.run(until="failure")
    for _ in range(100):
        assert simulation.step()
    simulation.run()
    assert record_of(simulation.result()) == whole
    assert simulation.result().sample_rows == run(scenario).sample_rows


def test_steps_lead_to_the_end(scenario: Scenario, whole: dict[str, Any]) -> None:
    simulation = Simulation(scenario)
    while simulation.step():
        assert simulation.now_ns < scenario.duration
    simulation.run()
    assert record_of(simulation.result()) == whole
    assert simulation.result().sample_rows == run(scenario).sample_rows


def test_a_run_stops_at_the_next_event_of_a_kind(scenario: Scenario) -> None:
    simulation = Simulation(scenario)
    for number in range(3):
        simulation.run(until="commit")
        assert simulation.events[-1].time_ns == simulation.now_ns
        assert [event.epoch for event in simulation.events if event.kind == Kind.COMMIT] == [*range(number + 1)]
    simulation.run(until="failback")
    assert simulation.step() is False


@pytest.mark.parametrize(
    ("until", "word"),
    [("1 s", "to the end"), ("1 us", "from now"), (-1, "from now"), ("take-over", "no kind of event"), ("", "until")],
)
def test_an_instant_that_is_none_is_an_error(scenario: Scenario, until: str | int, word: str) -> None:
    simulation = Simulation(scenario)
    simulation.run(until="1 ms")
    with pytest.raises(InputError, match=word):
        simulation.run(until=until)
    assert simulation.now_ns == 1_000_000


def test_a_result_is_what_there_is_by_then(scenario: Scenario) -> None:
    simulation = Simulation(scenario)
    simulation.run(until="failure")
    result = simulation.result()
    assert result.interrupted
    assert result.end_ns == simulation.now_ns
    assert result.consistent
    assert simulation.result() is result
    for go_on in (simulation.run, simulation.step):
        with pytest.raises(RuntimeError, match="cannot go on"):
            go_on()


def test_onlookers_are_told_of_everything_and_change_nothing(scenario: Scenario, whole: dict[str, Any]) -> None:
    first, second = Onlooker(), Onlooker()
    result = run(scenario, observers=[first, second])
    assert record_of(result) == whole
    for onlooker in (first, second):
        assert tuple(onlooker.events) == result.event_rows
        assert len(onlooker.clusters) == onlooker.ends == 1
        assert onlooker.looks_ns == sorted(set(onlooker.looks_ns))
        assert onlooker.looks_ns[-1] == result.end_ns


def test_hooks_that_nobody_has_are_not_called() -> None:
    class OnlyEnds(Observer):
        def end(self) -> None:
            """Look."""

    observers = (Observer(), OnlyEnds(), Onlooker())
    assert [len(hooks(observers, name)) for name in ("begin", "event", "look", "end")] == [1, 1, 1, 2]


def test_it_says_how_it_stands(scenario: Scenario) -> None:
    simulation = Simulation(scenario)
    assert repr(simulation) == f"<Simulation {scenario.name}, seed 7, at 0.000000 ms of 12.000000 ms>"
    assert "the VM stands still on the primary" in simulation.describe()
    simulation.run(until="resume")
    assert "the VM runs on the primary" in simulation.describe()
    assert "the secondary protects it by cacheline-flags" in simulation.describe()
    simulation.run(until="failure")
    assert "primary: down" in simulation.describe()
    assert "the VM went down with the primary" in simulation.describe()
    simulation.run(until="takeover")
    said = simulation.describe()
    assert "the VM runs on the secondary" in said
    assert "no other host protects it" in said
    assert f"epoch {simulation.epochs[-1].number}: began at" in said
    assert f"ms: takeover on secondary (epoch {simulation.cluster.protection.committed_epoch})" in said
    log = simulation.hosts["secondary"].vm.log
    assert f"{log.entries} of {log.capacity} log entries in use" in said


def test_time_that_stands_still_ends_a_run_that_is_stepped(scenario: Scenario) -> None:
    class Restless(Observer):
        def begin(self, cluster: Cluster) -> None:
            cluster.env.process(self._spin(cluster))

        def _spin(self, cluster: Cluster) -> Any:
            yield cluster.env.timeout(500)
            while True:
                yield cluster.env.timeout(0)

    with pytest.raises(NoProgressError, match=rf"{scenario.name}: .* stands still at 500 ns.*_spin"):
        Simulation(scenario, observers=[Restless()]).run(until="takeover")


def test_nothing_is_logged_unless_somebody_listens(scenario: Scenario, capfd: pytest.CaptureFixture[str]) -> None:
    run(scenario)
    assert capfd.readouterr() == ("", "")


def test_states_are_logged_with_the_simulated_time(scenario: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vmfailover"):
        result = run(scenario)
    kinds = [message.split(": ")[1].split(" on ")[0] for message in caplog.messages]
    assert kinds == ["failure", "down", "detect", "fence", "image-complete", "takeover"]
    assert caplog.messages[0] == f"{scenario.name} at 6.300000 ms: failure on primary (host-crash)"
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "vmfailover"):
        run(scenario)
    assert len(caplog.messages) == len(result.event_rows)


def test_parts_say_their_state(scenario: Scenario) -> None:
    simulation = Simulation(scenario)
    simulation.run(until="down")
    primary, secondary = (simulation.hosts[name] for name in ("primary", "secondary"))
    assert repr(primary.host) == "<Host primary: down>"
    assert repr(secondary.host) == "<Host secondary: up>"
    assert repr(primary.vm) == "<VirtualMachine 0 on cores 0: stands still>"
    assert repr(primary.vm.log) == f"<AddressLog: {primary.vm.log.entries} of {primary.vm.log.capacity} entries in use>"
    assert repr(primary.host.memory) == f"<Memory: {primary.host.memory.versions.size} lines of 128 B>"
    dirty, flagged = primary.host.processor.dirty_rows, primary.host.processor.flagged_lines.size
    assert repr(primary.host.processor) == f"<Processor, 1 cores: {dirty} dirty rows, {flagged} lines flagged>"
    cluster = simulation.cluster
    assert repr(cluster) == "<Cluster of primary, secondary: the VM is on primary>"
    committed = cluster.protection.committed_epoch
    pair = f"<ProtectedPair: primary, protected by secondary: <CachelineFlags: committed epoch {committed}>>"
    assert repr(cluster.pair) == pair
    assert repr(cluster.pair.detector) == "<HeartbeatDetector on secondary watches primary: hears it>"
    simulation.run(until="takeover")
    assert repr(cluster.pair.detector).endswith("gave it up>")
    assert repr(secondary.vm).endswith("runs>")
    assert repr(secondary.guest) == f"<Guest: {secondary.vm!r}, {len(secondary.guest.server.waiting)} requests wait>"
    assert repr(cluster.link.forward).startswith("<Channel: ")


def test_a_host_that_hung_when_it_went_down_is_down(scenario: Scenario) -> None:
    host = Simulation(scenario).hosts["secondary"].host
    host.freeze()
    assert host.state == "hangs"
    host.crash()
    assert host.state == "down"
