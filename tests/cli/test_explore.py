"""`vmfailover explore`: the table, JSON, what it keeps, and what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.replication.collectors import VmCore
from vmfailover.scenario.writing import as_written

ARGUMENTS = ["--epochs", "2", "--jobs", "1", "--faults", "host-crash,link-cut:forward"]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "x.yaml"
    with path.open("w") as file:
        YAML().dump(as_written(minute("no-failure")), file)
    return path


def explore(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["explore", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.slow
def test_a_sound_program(scenario: Path) -> None:
    code, out, err = explore(scenario, *ARGUMENTS)
    assert (code, err) == (0, "")
    assert "faults around every event of 2 epochs. Every promised invariant holds" in out
    assert {"capture", "commit", "taken", "latency"} <= set(out.split())
    runs = [run["latency_ns"] is not None for run in json.loads(explore(scenario, *ARGUMENTS, "--json")[1])["runs"]]
    assert 0 < sum(runs) < len(runs)
    assert f"Latencies are those of {sum(runs)} runs with a takeover." in out


def test_json(scenario: Path) -> None:
    code, out, _ = explore(scenario, *ARGUMENTS, "--epochs", "1", "--json")
    document = json.loads(out)
    assert (code, document["violations"]) == (0, 0)
    assert {run["point"]["faults"][0]["kind"] for run in document["runs"]} == {"host-crash", "link-cut"}


@pytest.mark.slow
def test_a_violation_is_written_as_a_scenario(scenario: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = VmCore.copy

    def forget(self, lines, **options):  # type: ignore[no-untyped-def]
        return copy(self, lines[:-1], **options)

    monkeypatch.setattr(VmCore, "copy", forget)
    code, out, err = explore(scenario, *ARGUMENTS, "--out", tmp_path / "out")
    assert code == 1
    assert "broke an invariant" in " ".join(out.split())
    assert "runs break an invariant" in err
    assert (tmp_path / "out" / "violation.yaml").exists()
    assert CliRunner().invoke(main, ["run", str(tmp_path / "out" / "violation.yaml")]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--faults", "earthquake"], "--faults: 'earthquake' is unknown; it is one of host-crash"),
        (["--epochs", "0"], "--epochs"),
        (["--depth", "3"], "--depth"),
    ],
)
def test_refuses(scenario: Path, arguments: list[str], message: str) -> None:
    code, out, err = explore(scenario, *arguments)
    assert (code, out) == (2, "")
    assert message in err
