"""Reading scenario files: good ones, bad ones, and random ones."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmfailover.scenario import ScenarioError, load
from vmfailover.scenario.document import parse

from .conftest import SCENARIO, Write


def test_a_scenario(small: Path) -> None:
    scenario = load(str(small))
    assert scenario.duration == 200_000_000
    assert scenario.vm.memory == 2**30
    assert scenario.replication.scan_interval == 500_000
    assert scenario.replication.log.size == 2**20
    assert scenario.link.bandwidth == 10**10
    assert scenario.detection.timeout == 30_000_000
    assert scenario.fencing.kind == "stonith"
    assert scenario.clients is not None
    assert scenario.clients.rate == 2000.0


def test_optional_sections_may_be_left_out(write: Write) -> None:
    scenario = load(write(SCENARIO[: SCENARIO.index("failures:")]))
    assert (scenario.failures, scenario.clients, scenario.expect) == ((), None, {})


def test_a_byte_order_mark_is_no_problem(write: Write) -> None:
    assert load(write("\ufeff" + SCENARIO)).name == "small"


def messages(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "cacheline-flags",
            "cachline-flags",
            ":9:13: replication.protocol: 'cachline-flags' is unknown; did you mean 'cacheline-flags'?",
        ),
        ("  scan_interval", "  scan_intervall", ":11:3: replication.scan_intervall: unknown key; did you mean "),
        ("name: small", "nam: small", ":1:1: nam: unknown key; did you mean 'name'?"),
        ("name: small\n", "", ":1:1: name: is missing: What to call the experiment."),
        ("name: small", "name: 7", ":1:7: name: 7 is not text; if it should be, put it in quotes"),
        ("name: small", "name: ''", ":1:7: name: '' is out of range; it must be a text with a length of at least 1"),
        ("duration: 200 ms\n", "", ":1:1: duration: is missing; write for example 'duration: 5 ms'"),
        ("200 ms", "200", ":2:11: duration: 200 has no unit; give it one, for example '5 ms'"),
        ("200 ms", "0 ms", ":2:11: duration: must be above zero"),
        ("  secondary: {preset: power8}\n", "", ":4:3: hosts.secondary: is missing: The host that keeps the image"),
        (
            "{vcpus: 2, memory: 1 GiB}",
            "2",
            ":6:5: vm: 2 is not a mapping; write a mapping of keys (vcpus, memory, in_use)",
        ),
        ("{vcpus: 2, memory: 1 GiB}", "", ":6:1: vm: is empty; write a mapping of keys (vcpus, memory, in_use)"),
        ("vcpus: 2", "vcpus: two", ":6:13: vm.vcpus: 'two' is not a whole number"),
        ("vcpus: 2", "vcpus: 0", ":6:13: vm.vcpus: 0 is out of range; it must be at least 1"),
        ("{kind: zipf}", "{}", ":7:11: workload: write either 'trace: FILE', 'from: FILE' or 'kind: "),
        ("{kind: zipf}", "{kind: zpif}", ":7:18: workload.kind: 'zpif' is unknown; did you mean 'zipf'?"),
        ("{kind: zipf}", "{kind: zipf, <<: 1}", ":7:24: workload.<<: unknown key"),
        ("latency: 20 us", "latancy: 20 us", ":12:30: link.latancy: unknown key; did you mean 'latency'?"),
        ("latency: 20 us", "latency: 20 us, timeout: 3 ms", ":12:46: link.timeout: unknown key here; did you mean "),
        ("at: 103 ms, ", "", ":14:5: failures.0: give either 'at: TIME', 'at_random: {…}', or 'at_phase: PHASE'"),
        ("at: 103 ms", "at_phase: mid-scan", ":14:16: failures.0.at_phase: needs 'epoch: NUMBER' beside it"),
        ("at: 103 ms", "at: 103 ms, epoch: 3", ":14:25: failures.0.epoch: belongs to a phase of an epoch"),
        (
            "target: primary",
            "target: tertiary",
            "failures.0.target: 'tertiary' cannot be struck by host-crash; write primary or secondary",
        ),
        ("target: primary", "aim: primary", ":14:36: failures.0.aim: unknown key; the nearest are at"),
        ("target: primary", "target: both", "'both' cannot be struck by host-crash; write primary or secondary"),
        ("target: primary", "lasts: 2 ms", "failures.0.lasts: a host-crash does not pass; leave it out"),
        ("host-crash, target: primary", "link-cut, lasts: 2 ms, repeat: 2", "failures.0.every: belongs to 'repeat'"),
        (
            "host-crash, target: primary",
            "link-cut, lasts: 2 ms, repeat: 2, every: 1 ms",
            "failures.0.lasts: give a time shorter than 'every'",
        ),
        ("at: 103 ms", "at_random: {instants: [3 ms]}", "failures.0.at_random.instants: give 'instants: [TIME, …]'"),
        ("p99 < 60 ms", "3", ":17:21: expect.failover.latency: 3 is not text; if it should be, put it in quotes"),
    ],
)
def test_says_where_and_what_would_be_right(write: Write, old: str, new: str, message: str) -> None:
    assert old in SCENARIO
    path = write(SCENARIO.replace(old, new))
    assert any(line.startswith(str(path)) and message in line for line in messages(path)), messages(path)


def test_tells_all_problems_at_once(write: Write) -> None:
    path = write(SCENARIO.replace("200 ms", "200").replace("zipf", "zpif").replace("vcpus", "vcpu"))
    assert [line.split(":")[1] for line in messages(path)] == ["2", "6", "7"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": a scenario is a mapping of keys; `vmfailover init FILE` writes one"),
        (b"# nothing here\n", ": a scenario is a mapping of keys"),
        (b"- a\n- b\n", ":1:1: a scenario is a mapping of keys"),
        (b"just text", ":1:1: a scenario is a mapping of keys"),
        (b"name: \xff", ": is not UTF-8 text (byte 6)"),
        (b"name: a\0b", ": "),
        (b"name: [a", ":1:9: expected ',' or ']'"),
        (b"name: a\nname: b", ":2:1: name: this key is there twice"),
        (b"#" * (2**20 + 1), ": is larger than 1 MiB, which no scenario is"),
        (b"a: &a [x]\nb: *a", ":1:4: anchors (&) and aliases (*) are not supported"),
    ],
)
def test_a_file_that_is_no_scenario(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    (line,) = messages(path)
    assert line.startswith(f"{path}{message}")


def test_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert messages(path) == [f"{path}: cannot be read: no such file or directory"]
    assert messages(tmp_path) == [f"{tmp_path}: is a folder; name a scenario file in it"]
    assert messages(Path("a\0b")) == ["a\\x00b: cannot be read: is not the name of a file"]
    (long,) = messages(Path("a" * 5000))
    assert long.endswith("cannot be read: file name too long")


def test_an_override_of_an_empty_file(write: Write) -> None:
    with pytest.raises(ScenarioError, match="a scenario is a mapping of keys"):
        load(write(""), ["seed=3"])


def check(path: Path, content: bytes) -> None:
    """Load a file with such a content: it is a scenario, or the error is well formed."""
    path.write_bytes(content)
    try:
        load(path)
    except ScenarioError as error:
        check_messages(error, path)


def check_messages(error: ScenarioError, path: Path) -> None:
    """Each line of an error names the file, can be printed and is not too long to be read."""
    lines = str(error).splitlines()
    assert lines
    assert all(line.startswith(f"{path}:") and line.isprintable() and len(line) < 1000 for line in lines)


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.binary(max_size=200))
def test_random_bytes(tmp_path: Path, content: bytes) -> None:
    check(tmp_path / "x.yaml", content)


@FUZZ
@given(st.text(st.characters(codec="utf-8") | st.sampled_from(" \n:-,[]{}'\"&*!|>%@#?a1"), max_size=60))
def test_random_text(tmp_path: Path, content: str) -> None:
    check(tmp_path / "x.yaml", content.encode())


NUISANCES = [*"\t\"'|{[]\0\u2028", "&a ", "*a", "!!binary ", "<<: ", "? ", "- ", ": ", "---\n"]


@FUZZ
@given(st.lists(st.tuples(st.integers(0, len(SCENARIO)), st.sampled_from(NUISANCES), st.integers(0, 9)), min_size=1))
def test_damaged_text(tmp_path: Path, damage: list[tuple[int, str, int]]) -> None:
    text = SCENARIO
    for position, nuisance, removed in damage:
        text = text[:position] + nuisance + text[position + removed :]
    check(tmp_path / "x.yaml", text.encode())


VALUES: list[Any] = [None, True, -1, 0, 1.5, 10**30, "", "none", "-5 ms", "5 ms", "1e30 s", "é\n", "<x>", [], {}, [{}]]
KEYS = ["", "<<", "<TraceWorkload>", "kind", "trace", "0", "a.b", "latency", "preset", "é\u2028"]


def mutate(data: Any, chance: random.Random) -> Any:
    """Return data with something dropped, renamed, repeated or replaced, somewhere."""
    if isinstance(data, (dict, list)) and data and chance.random() < 0.8:
        items: list[tuple[Any, Any]] = list(data.items() if isinstance(data, dict) else enumerate(data))
        index = chance.randrange(len(items))
        key, value = items[index]
        change = chance.choice(["drop", "rename", "repeat", "inside", "inside", "inside"])
        if change == "drop":
            del items[index]
        elif change == "inside":
            items[index] = key, mutate(value, chance)
        else:
            items.append((chance.choice(KEYS), value))
        return dict(items) if isinstance(data, dict) else [value for _, value in items]
    return chance.choice(VALUES)


@pytest.mark.slow
@FUZZ
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_mutated_scenarios(tmp_path: Path, chance: random.Random, times: int) -> None:
    import json

    data = parse(SCENARIO, "x").data
    for _ in range(times):
        data = mutate(data, chance)
    check(tmp_path / "x.yaml", json.dumps(data).encode())


@FUZZ
@given(st.text(max_size=30), st.text(max_size=30))
def test_random_overrides(small: Path, key: str, value: str) -> None:
    try:
        load(small, [f"{key}={value}"])
    except ScenarioError as error:
        check_messages(error, small)
