"""Runs are read as they were saved, and what cannot be read is told of in one line."""

import json
import shutil
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import small

import vmfailover as vf
from vmfailover.results.export import FILES, REST_FIELDS, SUMMARY, TABLES, export
from vmfailover.results.reading import read
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run


@cache
def result(variant: str = "base") -> RunResult:
    return run(small(variant), samples=20)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export(result(), folder)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A folder of its own for a test, to do harm to."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


@pytest.mark.parametrize("variant", ["base", "no-failure", "no-clients"])
def test_a_run_is_read_as_it_was_saved(variant: str, tmp_path: Path) -> None:
    export(result(variant), tmp_path)
    again = read(tmp_path)
    for field in fields(RunResult):
        if field.name != "scenario":
            assert getattr(again, field.name) == getattr(result(variant), field.name), field.name
    assert again.to_json() == result(variant).to_json()
    assert again.scenario.hash == result(variant).scenario.hash


@pytest.mark.slow
def test_a_run_of_a_trace_is_read_where_the_trace_is_not(tmp_path: Path) -> None:
    scenarios = Path("scenarios")
    (tmp_path / "traces").mkdir()
    shutil.copy(scenarios / "traces" / "redis-set.parquet", tmp_path / "traces")
    shutil.copy(scenarios / "quickstart-short.yaml", tmp_path)
    found = vf.run(vf.load(tmp_path / "quickstart-short.yaml"))
    export(found, tmp_path / "out")
    shutil.rmtree(tmp_path / "traces")
    assert read(tmp_path / "out").scenario.hash == found.scenario.hash


def test_a_saved_scenario_runs_again(tmp_path: Path) -> None:
    found = vf.run(vf.load("scenarios/quickstart-short.yaml", ["duration=1 ms", "failures=[]"]))
    export(found, tmp_path / "deep" / "out")
    again = vf.run(vf.load(tmp_path / "deep" / "out" / "scenario.yaml"))
    assert {k: v for k, v in again.values.items() if not k.startswith("run.")} == {
        k: v for k, v in found.values.items() if not k.startswith("run.")
    }


@pytest.mark.parametrize("name", [name for name in FILES if name != "timeline.png"])
def test_a_file_that_is_missing_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(vf.InputError, match=name):
        read(folder)


@pytest.mark.parametrize("name", [name for name in FILES if name != "timeline.png"])
@settings(derandomize=True, deadline=None, max_examples=8)
@given(content=st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", b"[]", b"null", b'{"schema_version": 1}'])))
def test_a_file_that_is_damaged_is_named(name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    if not folder.exists():
        export(result(), folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    try:
        with pytest.raises(vf.InputError) as caught:
            read(folder)
    finally:
        (folder / name).write_bytes(whole)
    assert all(line.startswith(str(folder)) for line in str(caught.value).splitlines())


def test_another_version_is_refused(folder: Path) -> None:
    summary = json.loads((folder / SUMMARY).read_text())
    (folder / SUMMARY).write_text(json.dumps(summary | {"schema_version": 99}))
    with pytest.raises(vf.InputError, match="schema version"):
        read(folder)


def test_a_run_that_was_saved_without_its_traffic_has_none(folder: Path) -> None:
    rest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del rest["traffic"]
    (folder / "run.json").write_text(json.dumps(rest), encoding="utf-8")
    assert read(folder).traffic == ()
    assert read(folder).values == result().values


def test_a_table_of_other_columns_is_refused(folder: Path) -> None:
    shutil.copy(folder / "events.parquet", folder / "epochs.parquet")
    with pytest.raises(vf.InputError, match="damaged"):
        read(folder)


def test_every_field_is_saved_somewhere() -> None:
    kept = {
        "scenario",
        "seed",
        "values",
        "verdicts",
        "findings",
        "traffic",
        *REST_FIELDS,
        *(field for field, _ in TABLES.values()),
    }
    assert kept == {field.name for field in fields(RunResult)}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("summary.json", '"loss.work_ns"', '"loss.lost_ns"'),
        ("run.json", '"secondary": [', '"tertiary": ['),
    ],
)
def test_what_is_missing_in_a_whole_file_is_told(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(vf.InputError, match=f"{file}: (has not the metrics|is without the hosts)"):
        read(folder)
