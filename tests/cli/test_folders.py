"""Folders of --out belong to the command that has made them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.scenario.writing import write_scenario

#: Commands, each of which makes another kind of folder.
COMMANDS = {
    "run": ("run", "ONE"),
    "run of several scenarios": ("run", "ONE", "OTHER"),
    "run --replications": ("run", "ONE", "--replications", "2", "--jobs", "1"),
    "compare": ("compare", "ONE", "OTHER", "--replications", "1", "--jobs", "1"),
    "sweep": ("sweep", "ONE", "-p", "seed=1,2", "--jobs", "1"),
    "explore": ("explore", "ONE", "--epochs", "1", "--faults", "vm-crash", "--jobs", "1"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two scenarios and, by their commands, what each has made."""
    path = tmp_path_factory.mktemp("folders")
    for name in ("ONE", "OTHER"):
        write_scenario(minute().with_(name=name.lower()), path / name)
    for command in COMMANDS:
        assert invoke(command, path, path / command).exit_code == 0
    return path


def invoke(command: str, folder: Path, out: Path) -> Result:
    arguments = [str(folder / word) if word in ("ONE", "OTHER") else word for word in COMMANDS[command]]
    return CliRunner().invoke(main, [*arguments, "--out", str(out)])


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("owner", COMMANDS)
def test_a_command_writes_to_its_own_folders_only(command: str, owner: str, folder: Path) -> None:
    before = content(folder / owner)
    result = invoke(command, folder, folder / owner)
    if command == owner:
        assert result.exit_code == 0
    else:
        words, several, _ = owner.partition(" of several scenarios")
        told = f"holds what `vmfailover {words}`{several} has made, and belongs to it; give --out another folder"
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{folder / owner}: {told}\n"
        assert content(folder / owner) == before


def test_a_smaller_comparison_leaves_nothing_of_a_larger_one(folder: Path, tmp_path: Path) -> None:
    for names in (("ONE", "OTHER"), ("OTHER",)):
        scenarios = [str(folder / name) for name in names]
        arguments = ["compare", *scenarios, "--replications", "1", "--jobs", "1", "--out", str(tmp_path / "out")]
        assert CliRunner().invoke(main, arguments).exit_code == 0
        assert len(list((tmp_path / "out").glob("scenario-*.yaml"))) == len(names)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "run --replications", "compare"])
@pytest.mark.parametrize("within", ["run", "run --replications"])
def test_a_folder_within_another_does_not_change_whose_that_is(
    command: str, within: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    codes = [invoke(*each).exit_code for each in ((command, folder, out), (within, folder, out / "below"))]
    again = invoke(command, folder, out)
    assert ([*codes, again.exit_code], again.stderr) == ([0, 0, 0], "")
