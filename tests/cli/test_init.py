"""`vmfailover init`."""

from pathlib import Path

from click.testing import CliRunner

from vmfailover.cli.main import main
from vmfailover.scenario import load
from vmfailover.scenario.guests import guest_names, template_text


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


def test_takes_the_workload_of_a_guest(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    result = CliRunner().invoke(main, ["init", "--guest", "gzip", str(path)])
    assert (result.exit_code, path.read_text(encoding="utf-8")) == (0, template_text("gzip"))


def test_names_the_guests_that_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    result = CliRunner().invoke(main, ["init", "--guest", "nobody", str(path)])
    assert result.exit_code == 2
    assert all(f"'{name}'" in result.stderr for name in guest_names())
    assert not path.exists()
