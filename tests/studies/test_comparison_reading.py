"""Comparisons are read as they were made, and what cannot be read is told of in one line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from interruptions import after
from scenarios_for_tests import minute, small

import vmfailover as vf
from vmfailover.studies.comparison import Comparison, compare, under_protocols
from vmfailover.studies.comparison_export import SUMMARY, export_comparison, files_of, scenario_file
from vmfailover.studies.comparison_reading import read_comparison
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.runs_file import RUNS

FORGETFUL = minute(**{"replication.hypervisor_writes": "missed"}, name="forgetful")


def _protocols() -> Comparison:
    columns, impossible = under_protocols(small("two-vcpus"), ["page-write-protect", "output-compare", "record-replay"])
    brief = {name: scenario.with_(duration="3 ms", failures=[]) for name, scenario in columns.items()}
    return replace(compare(brief, replications=1, executor=InThisProcess()), impossible=impossible)


def _scenarios() -> Comparison:
    columns = {"a/b: ü": minute(), "no failure": minute(failures=[]), "1": FORGETFUL}
    return compare(columns, replications=2, baseline="no failure", executor=InThisProcess())


def _failed() -> Comparison:
    whole = _scenarios()
    last = whole.runs[-1]
    return replace(whole, runs=(*whole.runs[:-1], StudyRun(last.label, 1, last.seed, {}, error="ValueError: no luck")))


def _interrupted() -> Comparison:
    columns = {"one": minute(), "two": minute("no-streaming")}
    return compare(columns, replications=2, executor=InThisProcess(), progress=after(1))


COMPARISONS: dict[str, Callable[[], Comparison]] = {
    "of protocols, of which one cannot be": _protocols,
    "of scenarios, of which one breaks an invariant": _scenarios,
    "with a run that failed": _failed,
    "interrupted": _interrupted,
}


@cache
def made(kind: str) -> Comparison:
    """A comparison of a kind, which is made once."""
    return COMPARISONS[kind]()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_comparison(made("interrupted"), folder)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A folder of its own for a test, to do harm to."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


@pytest.mark.parametrize("kind", COMPARISONS)
def test_a_comparison_is_read_as_it_was_made(kind: str, tmp_path: Path) -> None:
    found, folder = made(kind), tmp_path / "out"
    export_comparison(found, folder)
    again = read_comparison(folder)
    assert replace(again, scenarios={}) == replace(found, scenarios={})
    assert {name: each.hash for name, each in again.scenarios.items()} == {
        name: each.hash for name, each in found.scenarios.items()
    }
    assert again.to_json() == found.to_json()
    assert again.names == found.names
    assert sorted(path.name for path in folder.iterdir()) == sorted(files_of(found))


def test_the_comparisons_have_what_has_to_be_kept() -> None:
    protocols = made("of protocols, of which one cannot be")
    assert protocols.impossible
    assert any(run.remarks for run in protocols.runs)
    assert any(run.broken for run in made("of scenarios, of which one breaks an invariant").runs)
    assert made("interrupted").interrupted


@pytest.mark.parametrize("name", [SUMMARY, RUNS, scenario_file(1)])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"runs": [{}]}', b'{"runs": [3]}', b"\xff", b"a: 1"])
def test_a_file_that_is_missing_or_damaged_is_named(name: str, content: bytes | None, folder: Path) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(vf.InputError) as caught:
        read_comparison(folder)
    assert all(line.startswith(f"{folder / name}:") for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"vmfailover_version": "0.0.1"}, "is of vmfailover 0.0.1, and this is"),
        ({"baseline": "three"}, "is without its baseline"),
        ({"columns": {}}, "is without its baseline"),
        ({"columns": None}, "is damaged"),
        ({"impossible": []}, "is damaged"),
        ({"replications": None, "columns": {"one": 3}}, "is damaged"),
    ],
)
def test_another_summary_is_refused(changes: dict[str, Any], complaint: str, folder: Path) -> None:
    summary = json.loads((folder / SUMMARY).read_text())
    (folder / SUMMARY).write_text(json.dumps(summary | changes))
    with pytest.raises(vf.InputError, match=f"{SUMMARY}: {complaint}") as caught:
        read_comparison(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [RUNS, scenario_file(1)])
def test_files_of_another_comparison_are_refused(name: str, folder: Path, tmp_path: Path) -> None:
    export_comparison(made("with a run that failed"), tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, folder)
    with pytest.raises(vf.InputError, match=f"{name}: (has not the runs|is not the scenario) of (one|two)"):
        read_comparison(folder)
