"""`vmfailover check`, as a server of continuous integration uses it."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import brief

from vmfailover.cli.main import main
from vmfailover.failover.detection.heartbeat import HeartbeatDetector
from vmfailover.scenario.writing import write_scenario

FAILING = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(FAILING.with_(expect={"image.consistent": "== true"}), path)
    return path


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments), "--replications", "2", "--jobs", "1"])


@pytest.fixture
def baseline(scenario: Path, tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    assert check(scenario, "--baseline", path, "--update-baseline").exit_code == 0
    return path


def slow_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeartbeatDetector, "patience_ns", property(lambda each: round(each.spec.timeout * 1.1)))


def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a scenario was run")

    monkeypatch.setattr("vmfailover.cli.check.check", refuse)


def test_an_unchanged_program_passes(scenario: Path, baseline: Path) -> None:
    result = check(scenario, "--baseline", baseline)
    assert result.exit_code == 0
    assert "1 of 1 expectation met" in result.output
    assert "all passed" in result.output


def test_a_regression_is_told_everywhere(
    scenario: Path, baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_detector(monkeypatch)
    summary, junit = tmp_path / "summary.md", tmp_path / "junit.xml"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = check(scenario, "--baseline", baseline, "--junit", junit)
    assert result.exit_code == 1
    line = next(line for line in result.output.splitlines() if "mean of failover.latency_ns" in line)
    assert "in the baseline" in line
    assert "now (+" in line
    assert "likely detection" in line
    assert f"✗ {FAILING.name}" in result.output
    errors = [line for line in result.output.splitlines() if line.startswith("::error file=")]
    assert 0 < len(errors) <= 10
    assert "| ❌ base | `failover.latency_ns` | mean |" in summary.read_text(encoding="utf-8")
    case = ElementTree.parse(junit).getroot().find(".//testcase")
    assert case is not None
    assert case.find("failure") is not None


def test_json(scenario: Path, baseline: Path) -> None:
    document = json.loads(check(scenario, "--baseline", baseline, "--json").output)
    assert document["passed"] is True
    assert document["scenarios"][0]["name"] == FAILING.name


def test_an_unmet_expectation_fails_and_keeps_the_baseline(scenario: Path, baseline: Path) -> None:
    before = baseline.read_bytes()
    unmet = ("--set", "expect={failover.count: == 0}")
    result = check(scenario, *unmet, "--baseline", baseline, "--update-baseline")
    assert result.exit_code == 1
    assert "failover.count: expected == 0, found 1" in result.output
    assert "baseline.json: not written" in result.output
    assert baseline.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--update-baseline",), "name the file with --baseline"),
        (("--baseline", "none.json"), "none.json: there is no such file; make it with --update-baseline"),
        (("--baseline", "none/b.json", "--update-baseline"), "none/b.json: there is no folder none; make it"),
        (("--baseline", ".", "--update-baseline"), ".: is a folder; give --baseline a file"),
        (("--junit", "none/j.xml"), "none/j.xml: there is no folder none; make it"),
        (("--fail-on", "p99"), "is no limit"),
    ],
)
def test_bad_options(
    scenario: Path, arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nothing_runs(monkeypatch)
    result = check(scenario, *arguments)
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize("update", [(), ("--update-baseline",)])
def test_a_damaged_baseline_is_refused_before_anything_runs_and_kept(
    scenario: Path, baseline: Path, update: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_runs(monkeypatch)
    baseline.write_text(baseline.read_text()[:700])
    before = baseline.read_bytes()
    result = check(scenario, "--baseline", baseline, *update)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith(f"{baseline}: is not JSON")
    assert line.endswith("make it anew with --update-baseline")
    assert baseline.read_bytes() == before
