"""The folder of a run: whole or not there, and the same for the same result."""

import json
import os
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from marks import mostly_slow
from scenarios_for_tests import small

from vmfailover.errors import InputError
from vmfailover.results.export import FILES, export, require_writable
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run


@cache
def result(variant: str = "base") -> RunResult:
    return run(small(variant))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    export(result(), folder)
    assert names(folder) == sorted(FILES)
    assert names(folder.parent) == ["out"]
    assert json.loads((folder / "summary.json").read_text()) == result().to_dict()


def test_an_old_folder_keeps_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "summary.json").write_text("old")
    export(result(), tmp_path)
    assert names(tmp_path) == sorted([*FILES, "notes.txt"])
    assert json.loads((tmp_path / "summary.json").read_text())["seed"] == 7


@pytest.mark.slow
def test_a_link_to_a_folder(tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    export(result(), link)
    assert names(folder) == sorted(FILES)
    assert link.is_symlink()


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        export(result(), tmp_path / name)
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize("variant", mostly_slow(["base", "no-failure", "no-clients"], "no-clients"))
def test_the_tables_hold_every_record(variant: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(result(variant), folder)
    epochs, events = pd.read_parquet(folder / "epochs.parquet"), pd.read_parquet(folder / "events.parquet")
    assert epochs.to_dict("records") == [asdict(row) for row in result(variant).epoch_rows]
    assert events.to_dict("records") == [asdict(row) for row in result(variant).event_rows]
    pd.testing.assert_frame_equal(epochs, result(variant).epochs)


def test_a_table_without_rows_has_the_same_columns(tmp_path: Path) -> None:
    export(result(), tmp_path / "full")
    export(replace(result(), epoch_rows=(), event_rows=()), tmp_path / "empty")
    for name in ("epochs.parquet", "events.parquet"):
        assert pq.read_table(tmp_path / "empty" / name).num_rows == 0
        assert pq.read_schema(tmp_path / "empty" / name).equals(pq.read_schema(tmp_path / "full" / name))


def test_an_error_leaves_nothing_new(tmp_path: Path) -> None:
    unwritable = replace(result(), values={**result().values, "loss.work_ns": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        export(unwritable, tmp_path / "out")
    assert names(tmp_path) == []


def test_an_error_leaves_what_there_was(tmp_path: Path) -> None:
    export(result(), tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    unwritable = replace(result("no-clients"), values={**result().values, "loss.work_ns": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        export(unwritable, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_an_error_of_the_system_names_the_folder(tmp_path: Path) -> None:
    blocking = tmp_path / "file"
    blocking.write_text("mine")
    with pytest.raises(OSError, match=r"directory|exists") as caught:
        export(result(), blocking / "out")
    assert caught.value.filename == str(blocking / "out")
    assert blocking.read_text() == "mine"


def test_require_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    require_writable(tmp_path)
    require_writable(tmp_path / "deep" / "out")
    assert names(tmp_path) == []


def test_require_writable_takes_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    require_writable(Path("out"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^file: is not a folder; give `out` another one$"):
        require_writable(Path("file"))


def test_require_writable_refuses_a_dangling_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="link: is not a folder"):
        require_writable(link)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_require_writable_refuses_a_folder_of_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be written to \(permission denied\)"):
        require_writable(tmp_path / "out")
