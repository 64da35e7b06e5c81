"""Replications are read as they were made, and what cannot be read is told of in one line."""

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from interruptions import after
from scenarios_for_tests import minute

import vmfailover as vf
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.replication_export import FILES, SCENARIO, SUMMARY, export_replications
from vmfailover.studies.replication_reading import read_replications
from vmfailover.studies.runs_file import RUNS


@cache
def made(runs: int) -> Replications:
    """So many of three replications, after which the user has interrupted."""
    return replicate(minute(), 3, executor=InThisProcess(), progress=after(runs) if runs < 3 else None)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_replications(made(3), folder)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A folder of its own for a test, to do harm to."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


@pytest.mark.parametrize("runs", [2, 3])
def test_replications_are_read_as_they_were_made(runs: int, tmp_path: Path) -> None:
    found, folder = made(runs), tmp_path / "out"
    export_replications(found, folder)
    again = read_replications(folder)
    assert replace(again, scenario=found.scenario) == found
    assert again.scenario.hash == found.scenario.hash
    assert again.to_json() == found.to_json()
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("name", [SUMMARY, RUNS, SCENARIO])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"runs": [{}]}', b"\xff", b"a: 1"])
def test_a_file_that_is_missing_or_damaged_is_named(name: str, content: bytes | None, folder: Path) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(vf.InputError) as caught:
        read_replications(folder)
    assert all(line.startswith(f"{folder / name}:") for line in str(caught.value).splitlines())


def test_files_of_other_replications_or_versions_are_refused(folder: Path, tmp_path: Path) -> None:
    export_replications(made(2), tmp_path / "other")
    summary = json.loads((folder / SUMMARY).read_text())
    shutil.copy(tmp_path / "other" / RUNS, folder)
    with pytest.raises(vf.InputError, match="has the files of different replications"):
        read_replications(folder)
    (folder / SUMMARY).write_text(json.dumps(summary | {"vmfailover_version": "0.0.1"}))
    with pytest.raises(vf.InputError, match=r"is of vmfailover 0\.0\.1"):
        read_replications(folder)
