"""`vmfailover report`: where the page goes, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from scenarios_for_tests import small

from vmfailover.cli.main import main
from vmfailover.results.export import export
from vmfailover.simulation import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "out"
    export(run(small(), samples=50), path)
    return path


def test_the_page_is_in_the_folder(folder: Path) -> None:
    done = CliRunner().invoke(main, ["report", str(folder)])
    assert done.exit_code == 0
    assert done.stdout == f"{folder / 'report.html'}\n"
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_page_is_where_it_is_wanted(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", str(folder), "--output", str(tmp_path / "page.html")])
    assert done.exit_code == 0
    assert (tmp_path / "page.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "nowhere: is not a folder"),
        (["."], "has no"),
        (["{folder}", "--output", "nowhere/page.html"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    arguments: list[str], complaint: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["report", *(each.format(folder=folder) for each in arguments)])
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
