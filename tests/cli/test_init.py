"""`vmfailover init`."""

from pathlib import Path

from click.testing import CliRunner

from vmfailover.cli.main import main
from vmfailover.scenario import load


def test_writes_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    result = CliRunner().invoke(main, ["init", str(path)])
    assert result.exit_code == 0
    assert result.stdout == f"{path}: written; run it with `vmfailover run {path}`\n"
    assert load(path).name == "first"


def test_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    path.write_text("mine")
    result = CliRunner().invoke(main, ["init", str(path)])
    assert (result.exit_code, result.stderr) == (2, f"{path}: exists already; choose another name\n")
    assert path.read_text() == "mine"


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "first.yaml"
    result = CliRunner().invoke(main, ["init", str(path)])
    assert (result.exit_code, result.stderr) == (2, f"error: {path}: no such file or directory\n")
