"""`vmfailover report`: where the page goes, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from marks import mostly_slow
from scenarios_for_tests import minute, small

from vmfailover.cli.main import main
from vmfailover.results.export import export
from vmfailover.scenario.writing import write_scenario
from vmfailover.simulation import run
from vmfailover.studies.sweep_store import ABOUT


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


@pytest.mark.slow
def test_the_page_is_where_it_is_wanted(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", str(folder), "--output", str(tmp_path / "page.html")])
    assert done.exit_code == 0
    assert (tmp_path / "page.html").is_file()


@pytest.mark.parametrize(
    ("study", "page"),
    [
        (("sweep", "{scenario}", "-p", "link.latency=2us,20us"), "_report.html"),
        *mostly_slow(
            [
                (
                    ("compare", "{scenario}", "--protocols", "cacheline-flags,undo-log", "--replications", "2"),
                    "report.html",
                ),
                (("run", "{scenario}", "--replications", "2"), "report.html"),
            ]
        ),
    ],
)
def test_a_study_has_a_page(study: tuple[str, ...], page: str, tmp_path: Path) -> None:
    scenario, out = tmp_path / "scenario.yaml", tmp_path / "out"
    write_scenario(minute(), scenario)
    arguments = [each.format(scenario=scenario) for each in study]
    assert CliRunner().invoke(main, [*arguments, "--jobs", "1", "--out", str(out)]).exit_code == 0
    done = CliRunner().invoke(main, ["report", str(out)])
    assert (done.exit_code, done.stdout) == (0, f"{out / page}\n")
    assert (out / page).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_an_exploration_has_no_page(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").write_text("{}\n")
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{tmp_path}: has none of run.json, _sweep.json, comparison.json")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"version": "0.0.1"}'])
def test_a_damaged_study_is_told_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / ABOUT).write_text(content)
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{tmp_path / ABOUT}: ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [ABOUT]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "nowhere: is not a folder"),
        (["."], "has none of"),
        pytest.param(
            ["{folder}", "--output", "nowhere/page.html"], "there is no folder nowhere", marks=pytest.mark.slow
        ),
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
