"""Sweeps are read as they were returned, finished or not, and what cannot be read is told of in one line."""

import json
import shutil
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from interruptions import after
from marks import mostly_slow
from scenarios_for_tests import minute

import vmfailover as vf
from vmfailover.files.whole_file import UNFINISHED
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.sweep import Sweep, sweep
from vmfailover.studies.sweep_reading import read_sweep
from vmfailover.studies.sweep_store import ABOUT, SCENARIO

KEYS = {"replication.protocol": "cacheline-flags,page-dirty-bits", "replication.checkpoint_interval": "80us,2s"}
POINT = "point-000001.parquet"
#: What names and describes sweeps of several kinds.
SWEEPS: dict[str, dict[str, Any]] = {
    "with failed points": {},
    "of text that is no value": {"keys": {"link.latency": "20us,nonsense"}},
    "of replications": {"replications": 2},
    "of one key and nothing right": {"keys": {"checkpoint_interval": "1h,2h"}},
    "unfinished": {"progress": after(3)},
    "by a latin hypercube": {"keys": {"link.latency": "5us:50us"}, "design": "latin-hypercube", "count": 2},
}


@cache
def swept(kind: str) -> Sweep:
    """A sweep of a kind, kept nowhere."""
    return sweep(minute(), executor=InThisProcess(), **{"keys": KEYS, **SWEEPS[kind]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    sweep(minute(), KEYS, out=folder, executor=InThisProcess())
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "sweep"))


def require_same(one: Sweep, other: Sweep) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.scenario.hash == other.scenario.hash
    for name in {field.name for field in fields(Sweep)} - {"frame", "scenario"}:
        assert getattr(one, name) == getattr(other, name), name
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize("kind", mostly_slow(SWEEPS, "with failed points", "unfinished"))
def test_a_sweep_is_read_as_it_was_returned(kind: str, tmp_path: Path) -> None:
    found = sweep(minute(), out=tmp_path, executor=InThisProcess(), **{"keys": KEYS, **SWEEPS[kind]})
    require_same(read_sweep(tmp_path), found)
    require_same(found, swept(kind))


def test_points_with_a_gap_have_their_own_texts(folder: Path) -> None:
    (folder / POINT).unlink()
    found = read_sweep(folder)
    assert found.interrupted
    assert list(found.frame["point"]) == [0, 2, 3]
    assert found.texts == swept("with failed points").texts


@pytest.mark.slow
def test_a_sweep_of_a_trace_is_read_where_the_trace_is_not(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    shutil.copy("scenarios/traces/redis-set.parquet", tmp_path / "traces")
    shutil.copy("scenarios/quickstart-short.yaml", tmp_path)
    scenario = vf.load(tmp_path / "quickstart-short.yaml", ["duration=500 us", "failures=[]"])
    found = sweep(scenario, {"link.latency": "20 us"}, out=tmp_path / "out", executor=InThisProcess())
    shutil.rmtree(tmp_path / "traces")
    require_same(read_sweep(tmp_path / "out"), found)


def test_a_folder_without_the_scenario_is_mended_by_the_same_sweep(folder: Path) -> None:
    (folder / SCENARIO).unlink()
    with pytest.raises(vf.InputError, match=f"has no {SCENARIO}; the same sweep into this folder writes it"):
        read_sweep(folder)
    written = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    sweep(minute(), KEYS, out=folder, executor=InThisProcess())
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")} == written
    require_same(read_sweep(folder), swept("with failed points"))


@pytest.mark.parametrize(
    "left", [[f"{UNFINISHED}{ABOUT}"], [ABOUT], [ABOUT, f"{UNFINISHED}{SCENARIO}"], [ABOUT, SCENARIO]]
)
def test_a_sweep_that_was_killed_before_its_first_point_goes_on(left: list[str], folder: Path) -> None:
    for path in folder.iterdir():
        if path.name in left:
            continue
        if f"{UNFINISHED}{path.name}" in left:
            path.with_name(f"{UNFINISHED}{path.name}").write_text(path.read_text()[:20])
        path.unlink()
    assert sorted(path.name for path in folder.iterdir()) == sorted(left)
    with pytest.raises(vf.InputError, match=str(folder)):
        read_sweep(folder)
    require_same(sweep(minute(), KEYS, out=folder, executor=InThisProcess()), swept("with failed points"))
    require_same(read_sweep(folder), swept("with failed points"))
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("name", [ABOUT, SCENARIO, POINT])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": "0.1.0"}', b"a: 1"]
)
def test_a_file_that_is_damaged_is_named(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(vf.InputError) as caught:
        read_sweep(folder)
    assert all(line.startswith(str(folder)) for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"version": "0.0.1"}, "is of vmfailover 0.0.1, and this is"),
        ({"points": []}, "is damaged"),
        ({"points": [{"link.latency": "1us"}]}, "is not of the points that are there"),
        ({"points": None}, "is damaged"),
        ({"scenario": "0" * 64}, "is not the scenario of the points"),
    ],
)
def test_another_sweep_or_version_is_refused(changes: dict[str, Any], complaint: str, folder: Path) -> None:
    about = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps(about | changes))
    with pytest.raises(vf.InputError, match=complaint) as caught:
        read_sweep(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("there", ["point-000000.parquet", "other.parquet"])
def test_a_point_under_the_name_of_another_is_refused(there: str, folder: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(folder / "other.parquet")
    (folder / there).rename(folder / POINT)
    with pytest.raises(vf.InputError, match=f"{POINT}: does not hold the point of its name; delete the file"):
        read_sweep(folder)
    with pytest.raises(vf.InputError, match=f"{POINT}: does not hold the point of its name; delete the file"):
        sweep(minute(), KEYS, out=folder, executor=InThisProcess())
