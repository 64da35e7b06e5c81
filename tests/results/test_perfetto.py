"""The trace of a run keeps the rules of its format, and tells what happened."""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marks import mostly_slow
from scenarios_for_tests import PROTOCOL_VARIANTS, VARIANTS, small

from vmfailover.results.failovers import moves
from vmfailover.results.perfetto.events import microseconds
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import load
from vmfailover.simulation import run
from vmfailover.version import version

from .trace_checks import Event, broken_rules, nanoseconds, read_trace

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FAULTS = ("failback", "exposed", "roles-swap", "link-cut", "hang-comes-back", "random-crash", "spare-dies")
QUICK_RUNS = {
    *("base", "no-failure", "no-clients", "three-vcpus-carry", "helper-thread", "log-checkpoint", "link-cut"),
    *("undo-log", "output-compare", "record-replay-behind", "live-precopy", "cold-restart"),
}


def runs(*names: str) -> list[Any]:
    """Return runs by their names, those that are not quick marked as slow."""
    return [pytest.param(name, marks=() if name in QUICK_RUNS else pytest.mark.slow) for name in names]


RUNS = runs(*VARIANTS, *PROTOCOL_VARIANTS, *FAULTS)
#: One of each kind of run.
CHOSEN = runs("base", "no-failure", "no-clients", "record-replay-behind", "output-compare", "cold-restart", "failback")


@cache
def result(name: str) -> RunResult:
    return run(load(SCENARIOS / "faults" / f"{name}.yaml") if name in FAULTS else small(name))


@cache
def trace_of(name: str) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        result(name).to_perfetto(path)
        return read_trace(path)


@pytest.fixture
def trace(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the trace of the run that a test is given as `name`."""
    return trace_of(request.getfixturevalue("name"))


class Named:
    """The events of a trace by the names of their processes and threads."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.events: list[Event] = document["traceEvents"]
        named = [event for event in self.events if event["ph"] == "M"]
        self.processes = {each["pid"]: each["args"]["name"] for each in named if each["name"] == "process_name"}
        self.threads = {each["tid"]: each["args"]["name"] for each in named if each["name"] == "thread_name"}

    def on(self, process: str, thread: str, phase: str = "X") -> list[Event]:
        shown = [event for event in self.events if event["ph"] == phase]
        here = [event for event in shown if self.processes[event["pid"]] == process]
        return [event for event in here if self.threads.get(event.get("tid")) == thread]

    def values(self, process: str, name: str) -> list[float]:
        counts = [event for event in self.on_process(process, "C") if event["name"] == name]
        return [value for event in counts for value in event["args"].values()]

    def on_process(self, process: str, phase: str) -> list[Event]:
        return [each for each in self.events if each["ph"] == phase and self.processes[each["pid"]] == process]


def total_ns(events: list[Event]) -> int:
    return sum(nanoseconds(event["dur"]) for event in events)


@pytest.mark.parametrize("name", RUNS)
def test_it_keeps_the_rules_of_the_format(name: str, trace: dict[str, Any]) -> None:
    assert broken_rules(trace, result(name).end_ns) == []
    assert len(trace["traceEvents"]) > 100


@pytest.mark.parametrize("name", ["base"])
@pytest.mark.parametrize(
    ("phase", "change"),
    [
        ("X", {"dur": -1.0}),
        ("X", {"dur": 1e6}),
        ("X", {"dur": 5000.0}),
        ("X", {"tid": 999}),
        ("i", {"ts": None}),
        ("C", {"args": {"lines": "many"}}),
        ("f", {"id": 10_000}),
        ("s", {"tid": 105}),
        ("s", {"ts": 11_999.0}),
        ("e", {"ts": 0.0}),
        ("M", {"args": {}}),
    ],
)
def test_the_rules_can_be_broken(trace: dict[str, Any], name: str, phase: str, change: Event) -> None:
    del name
    defective = deepcopy(trace)
    event = [event for event in defective["traceEvents"] if event["ph"] == phase][3]
    event.update(change)
    assert broken_rules(defective, 12_000_000) != []


@pytest.mark.parametrize("name", CHOSEN)
def test_it_says_what_was_run(name: str, trace: dict[str, Any]) -> None:
    ran = result(name)
    about = {"scenario": ran.scenario.name, "hash": ran.scenario.hash, "seed": ran.seed}
    assert trace["otherData"].items() >= {**about, "vmfailover_version": version()}.items()
    assert trace["displayTimeUnit"] == "ns"


@pytest.mark.parametrize("name", RUNS)
def test_the_vm_runs_when_it_ran(name: str, trace: dict[str, Any]) -> None:
    named = Named(trace)
    for host, spans in result(name).spans.items():
        runs = [event for event in named.on(host, "VM") if event["name"] == "runs"]
        shown = [(nanoseconds(event["ts"]), nanoseconds(event["ts"]) + nanoseconds(event["dur"])) for event in runs]
        assert shown == [(began, ended) for began, ended in spans if ended > began]


@pytest.mark.parametrize("name", RUNS)
def test_the_vm_does_not_run_while_it_is_stopped(name: str, trace: dict[str, Any]) -> None:
    named = Named(trace)
    for host in result(name).spans:
        parts = [(nanoseconds(each["ts"]), nanoseconds(each["dur"])) for each in named.on(host, "VM")]
        assert all(first + length <= second for (first, length), (second, _) in pairwise(parts))


@pytest.mark.parametrize("name", RUNS)
def test_every_commit_is_there(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    rows = {row.epoch: row for row in ran.epoch_rows if row.committed_ns >= 0}
    commits = [event for host in ran.spans for event in named.on(host, "receiving", "i")]
    assert {event["args"]["epoch"]: nanoseconds(event["ts"]) for event in commits} == {
        epoch: row.committed_ns for epoch, row in rows.items()
    }
    assert len(commits) == len(rows)
    if (
        ran.values["checkpoint.count"] is not None
        and ran.scenario.warm_up == 0
        and not ran.scenario.reprotection.possible
    ):
        begun = [row for row in rows.values() if row.paused_ns >= 0]
        assert len(begun) == ran.values["checkpoint.count"]


@pytest.mark.parametrize("name", RUNS)
def test_a_committed_epoch_is_applied_when_it_was(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    applied = {row.epoch: row.applied_ns for row in ran.epoch_rows if row.applied_ns >= 0}
    slices = [event for host in ran.spans for event in named.on(host, "receiving")]
    ends = {event["args"]["epoch"]: nanoseconds(event["ts"]) + nanoseconds(event["dur"]) for event in slices}
    assert ends.items() >= applied.items()


@pytest.mark.parametrize("name", runs("base", "no-failure", "helper-thread", "output-compare", "failback"))
def test_the_parts_of_a_checkpoint(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    parts: Counter[tuple[int, str]] = Counter()
    for event in (event for host in ran.spans for event in named.on(host, "replication")):
        parts[event["args"]["epoch"], event["name"]] += nanoseconds(event["dur"])
    complete = [row for row in ran.epoch_rows if row.resumed_ns > row.paused_ns >= 0 and row.quiesce_ns]
    assert complete
    for row in complete:
        assert parts[row.epoch, f"checkpoint {row.epoch}"] == row.resumed_ns - row.paused_ns
        for part in ("quiesce", "scan", "capture", "harvest"):
            assert parts[row.epoch, part] == getattr(row, f"{part}_ns")
        assert parts[row.epoch, "de-duplication"] == row.deduplication_ns
        if name != "output-compare":
            assert parts[row.epoch, "resume"] == ran.scenario.hypervisor.resume


@pytest.mark.parametrize("name", ["base", "no-failure", "record-replay", "output-compare", "slow-link"])
def test_sending_ends_when_the_epoch_had_left_and_leads_to_its_commit(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    left = {row.epoch: row.sent_ns for row in ran.epoch_rows if row.sent_ns >= 0}
    slices = [event for event in named.on("primary", "sending") if event["args"]["complete"]]
    ends = {event["args"]["epoch"]: nanoseconds(event["ts"]) + nanoseconds(event["dur"]) for event in slices}
    arrows = {event["id"] for event in named.on("secondary", "receiving", "f")}
    assert ends == left
    assert arrows >= {row.epoch for row in ran.epoch_rows if row.sent_ns >= 0 and row.committed_ns >= 0}


def test_an_epoch_is_sent_once_the_one_before_has_left(tmp_path: Path) -> None:
    ran = run(small("record-replay", **{"link.bandwidth": "20 Mbit/s"}))
    waited = [here for here, there in pairwise(ran.epoch_rows) if here.sent_ns > there.resumed_ns >= 0]
    ran.to_perfetto(tmp_path / "trace.json")
    assert waited
    assert broken_rules(read_trace(tmp_path / "trace.json"), ran.end_ns) == []


@pytest.mark.parametrize(
    "name", runs("base", "cold-restart", "record-replay", "live-precopy", "failback", "random-crash")
)
def test_the_parts_of_every_move_add_up(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    done = [move for move in moves(ran.event_rows) if move.latency_ns >= 0]
    shown = [event for host in ran.spans for event in named.on(host, "failover")]
    whole = [event for event in shown if "latency_ns" in event["args"]]
    parts = [event for event in shown if event["name"] in ("detection", "fencing", "apply", "activation")]
    assert sorted(nanoseconds(event["dur"]) for event in whole) == sorted(move.latency_ns for move in done)
    assert total_ns(parts) == sum(move.latency_ns for move in done)
    for part in ("detection", "fencing", "apply", "activation"):
        first = [event for event in named.on(done[0].destination, "failover") if event["name"] == part][:1]
        assert total_ns(first) == ran.values[f"failover.{part}_ns"]
    assert done[0].latency_ns == ran.values["failover.latency_ns"]


@pytest.mark.parametrize("name", runs("failback", "roles-swap", "spare-dies"))
def test_a_synchronisation_is_on_the_host_that_is_copied_to(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    begun = [(event.host, event.time_ns) for event in ran.event_rows if event.kind == "synchronise"]
    shown = [
        (host, nanoseconds(event["ts"]))
        for host in ran.spans
        for event in named.on(host, "failover")
        if event["name"] == "synchronisation"
    ]
    assert begun
    assert sorted(shown) == sorted(begun)


@pytest.mark.parametrize("name", RUNS)
def test_every_fault_is_there(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    kinds = ("failure", "fault", "passed", "down", "standby-down", "repaired")
    happened = sorted(event.time_ns for event in ran.event_rows if event.kind in kinds)
    shown = [event for place in (*ran.spans, "link") for event in named.on(place, "faults", "i")]
    assert sorted(nanoseconds(event["ts"]) for event in shown) == happened


@pytest.mark.parametrize("name", mostly_slow(["link-cut", "link-flapping"], "link-cut"))
def test_a_fault_of_the_link_is_on_the_link(name: str, tmp_path: Path) -> None:
    run(load(SCENARIOS / "faults" / f"{name}.yaml")).to_perfetto(tmp_path / "trace.json")
    faults = Named(read_trace(tmp_path / "trace.json")).on("link", "faults", "i")
    assert {event["name"] for event in faults} >= {"fault: link-cut"}


@pytest.mark.parametrize("name", ["base", "log-drain", "no-failure"])
def test_counters_stay_within_what_the_metrics_say(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    peak = ran.values["log.peak_fill"]
    assert peak is not None
    assert 0.2 * peak < max(named.values("primary", "address log fill")) <= peak
    assert max(named.values("primary", "flagged")) <= max(named.values("primary", "dirty"))
    busy = named.values("link", "busy from the host with the VM")
    assert 0 < max(busy) <= 1
    assert min(busy) >= 0


@pytest.mark.parametrize("name", ["base"])
def test_a_host_without_the_vm_has_nothing_in_its_log(name: str, trace: dict[str, Any]) -> None:
    named = Named(trace)
    takeover = next(event.time_ns for event in result(name).event_rows if event.kind == "takeover")
    counts = [event for event in named.on_process("primary", "C") if nanoseconds(event["ts"]) > takeover]
    assert counts
    assert all(value == 0 for event in counts for value in event["args"].values())


@pytest.mark.parametrize("name", ["base", "no-failure"])
def test_every_answer_is_counted(name: str, trace: dict[str, Any]) -> None:
    ran, named = result(name), Named(trace)
    times = [nanoseconds(event["ts"]) for event in named.on_process("clients", "C") if event["name"] == "answers"]
    stretch_ns = times[1] - times[0]
    received = [response for response in ran.responses if response.received_ns < ran.end_ns]
    assert received
    assert sum(named.values("clients", "answers")) * stretch_ns / 1e9 == pytest.approx(len(received))
    assert total_ns(named.on("clients", "answers")) == (ran.values["client.blackout_ns"] or 0)


@pytest.mark.parametrize("name", ["no-clients"])
def test_without_clients_there_is_no_process_for_them(name: str, trace: dict[str, Any]) -> None:
    assert list(Named(trace).processes.values()) == [*result(name).spans, "link"]


def test_without_samples_there_are_no_curves_of_the_hardware(tmp_path: Path) -> None:
    replace(result("base"), sample_rows=()).to_perfetto(tmp_path / "trace.json")
    document = read_trace(tmp_path / "trace.json")
    assert broken_rules(document, result("base").end_ns) == []
    assert {event["name"] for event in document["traceEvents"] if event["ph"] == "C"} == {"answers", "slowest answer"}


@pytest.mark.parametrize("name", CHOSEN)
def test_the_same_run_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    again = run(result(name).scenario)
    for number, ran in enumerate((result(name), result(name), again)):
        ran.to_perfetto(tmp_path / f"{number}.json")
    first, second, third = ((tmp_path / f"{number}.json").read_bytes() for number in range(3))
    assert first == second == third


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trace.json"
    path.write_text("mine")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(OSError, match="No space left") as caught:
            result("base").to_perfetto(path)
    assert caught.value.filename == str(path)
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["trace.json"]
    result("base").to_perfetto(str(path))
    assert json.loads(path.read_text())["otherData"]["scenario"] == "base"


@given(st.integers(0, 10**13))
def test_microseconds_are_exact_for_every_reader(time_ns: int) -> None:
    written = json.loads(json.dumps(microseconds(time_ns)))
    assert int(written * 1000) == round(written * 1000) == time_ns
