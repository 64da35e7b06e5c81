"""The baseline's file: whole, or refused."""

import json
from functools import cache
from math import inf
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.records.metric_values import Metrics
from vmfailover.scenario import load
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.baseline import Entry, read_baseline, write_baseline
from vmfailover.studies.changes import GATED
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.known import Known
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.runs import StudyRun


@cache
def found() -> Replications:
    return replicate(brief(), 2, executor=InThisProcess())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [found()], GATED)
    assert read_baseline(path) == {found().scenario.name: Entry.of(found(), GATED)}
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.json"]


def test_the_same_runs_give_the_same_bytes_and_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [found()], GATED)
    first = path.read_bytes()
    document = json.loads(first)
    document["scenarios"]["another"] = document["scenarios"][found().scenario.name]
    path.write_text(json.dumps(document))
    write_baseline(path, [found()], GATED)
    assert read_baseline(path).keys() == {found().scenario.name, "another"}
    path.unlink()
    write_baseline(path, [found()], GATED)
    assert path.read_bytes() == first


def test_an_interruption_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [found()], GATED)
    before = path.read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_baseline(path, [found()], GATED[:2])
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["baseline.json"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file; make it with `write_baseline`"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 2}', '{"schema_version": 2, "scenarios": []}'],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"baseline\.json: is"):
        read_baseline(path)


def entry_text(seeds: str = "1", values: str = "1", file: str = "null") -> str:
    metrics = f'{{"failover.latency_ns": {{"values": [{values}]}}}}'
    entry = f'{{"file": {file}, "hash": "h", "seeds": [{seeds}], "metrics": {metrics}}}'
    return f'{{"schema_version": 2, "scenarios": {{"a": {entry}}}}}'


NO_NUMBERS = ["NaN", "Infinity", "1e999", "9" * 5000, '"5"', "true", "{}", "[]"]


@pytest.mark.parametrize(
    "text",
    [
        *(entry_text(seeds=number) for number in [*NO_NUMBERS, "1.5", "null"]),
        *(entry_text(values=number) for number in [*NO_NUMBERS, "9" * 400]),
        *(entry_text(file=name) for name in ["1", "true", '"a\\u0000b"']),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(entry_text())
    assert read_baseline(path) == {"a": Entry("h", (1,), {"failover.latency_ns": (1.0,)})}
    path.write_text(text)
    with pytest.raises(InputError, match=r"baseline\.json: is .*; delete it, and make it anew with `write_baseline`"):
        read_baseline(path)


def test_files_of_scenarios_move_with_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_scenario(brief(), tmp_path / "old" / "a.yaml")
    runs = replicate(load(tmp_path / "old" / "a.yaml"), 1, executor=InThisProcess())
    write_baseline(tmp_path / "old" / "baseline.json", [runs], GATED)
    (tmp_path / "old").rename(tmp_path / "new")
    (entry,) = read_baseline(tmp_path / "new" / "baseline.json").values()
    assert entry.path == tmp_path / "new" / "a.yaml"


def test_what_was_cut_off_is_kept_as_a_lower_bound(tmp_path: Path) -> None:
    values: list[Metrics] = [{"client.latency_p99_ns": 5.0}, {"client.latency_p99_at_least_ns": 7.0}, {}]
    runs = tuple(StudyRun("", number, number, each) for number, each in enumerate(values))
    write_baseline(tmp_path / "baseline.json", [Replications(brief(), runs, "")], ["client.latency_p99_ns"])
    (entry,) = read_baseline(tmp_path / "baseline.json").values()
    assert entry.known("client.latency_p99_ns") == [Known(5.0, 5.0), Known(7.0, inf), None]
    assert entry.known("guest.slowdown") == []


def test_a_folder_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read .*; give `baseline` another file"):
        read_baseline(tmp_path)


def test_a_file_that_cannot_be_written_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    path = tmp_path / "none" / "baseline.json"
    with pytest.raises(OSError, match="o such file") as caught:
        write_baseline(path, [found()], GATED)
    assert caught.value.filename == str(path)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 4000), text=st.text(max_size=8), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, at: int, text: str, cut: bool) -> None:
    path = tmp_path / "baseline.json"
    path.unlink(missing_ok=True)
    write_baseline(path, [found()], GATED)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:at] if cut else whole[:at] + text + whole[at + len(text) :], encoding="utf-8")
    try:
        entries = read_baseline(path)
    except InputError:
        return
    assert all(len(values) == len(entry.seeds) for entry in entries.values() for values in entry.values.values())
