"""`vmfailover check`, as a server of continuous integration uses it."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import brief

from vmfailover.cli.main import main
from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.records.metric_names import METRICS
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.writing import write_scenario
from vmfailover.simulation import run
from vmfailover.studies.changes import GATED
from vmfailover.studies.executors import InThisProcess

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
        (("--update-baseline",), "--update-baseline: name the file with --baseline"),
        (("--fail-on", "p99:5%"), "--fail-on: name the file with --baseline"),
        (("--accept",), "--accept: belongs to --update-baseline"),
        (("--invariants-only", "--baseline", "b.json"), "--invariants-only: looks at no baseline"),
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


def test_a_check_that_gates_nothing_is_refused_in_a_line(scenario: Path) -> None:
    result = check(scenario, "--set", "expect={}")
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith("error: check: nothing is gated without a baseline and without any expectation; give ")


def test_help_says_what_is_gated_and_what_is_not() -> None:
    told = CliRunner().invoke(main, ["check", "--help"]).output
    gated, _, others = told.partition("What is gated:")[2].partition("Not gated:")
    named = {word for word in gated.split() if word in METRICS or word in GATED}
    assert named == set(GATED)
    for words in ("every invariant of every run", "expect", "the baseline has each scenario"):
        assert words in gated
    assert "all other metrics" in others


def test_a_metric_that_is_not_gated_may_get_worse(
    scenario: Path, baseline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the help says of other metrics is so."""
    twice = replace_metric(monkeypatch, "log.entries", lambda value: 2 * value + 1)
    assert check(scenario, "--baseline", baseline).exit_code == 0
    assert twice
    replace_metric(monkeypatch, "replication.bytes", lambda value: 2 * value + 1)
    result = check(scenario, "--baseline", baseline)
    assert result.exit_code == 1
    assert "mean of replication.bytes" in result.output


def replace_metric(monkeypatch: pytest.MonkeyPatch, name: str, by: Callable[[Any], Any]) -> list[Any]:
    """Let every run have another value of a metric; return the list of those that it had."""
    had: list[Any] = []

    def run_changed(*args: Any, **options: Any) -> RunResult:
        result = run(*args, **options)
        had.append(result.values[name])
        result.values[name] = by(had[-1])
        return result

    monkeypatch.setattr("vmfailover.studies.runs.run", run_changed)
    monkeypatch.setattr("vmfailover.cli.check.local_processes", lambda _: InThisProcess())
    return had


def test_invariants_alone_pass_without_anything_else(scenario: Path) -> None:
    result = check(scenario, "--set", "expect={failover.count: == 0}", "--invariants-only")
    assert result.exit_code == 0
    assert "their invariants alone being checked" in result.output


def test_a_file_that_cannot_be_read_is_an_error_in_junit_and_others_are_checked(scenario: Path, tmp_path: Path) -> None:
    junit, bad = tmp_path / "junit.xml", tmp_path / "bad.yaml"
    bad.write_text("name: [")
    result = check(tmp_path / "none.yaml", scenario, bad, "--junit", junit)
    assert result.exit_code == 2
    assert f"✓ {FAILING.name}" in result.output
    assert f"{tmp_path}/none.yaml: cannot be read: no such file or directory" in result.output
    cases = list(ElementTree.parse(junit).getroot().iter("testcase"))
    assert [(case.get("name"), [each.tag for each in case if each.tag != "system-out"]) for case in cases] == [
        (FAILING.name, []),
        (f"{tmp_path}/none.yaml", ["error"]),
        (str(bad), ["error"]),
    ]


def test_a_missing_file_alone_leaves_junit(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    assert check(tmp_path / "none.yaml", "--junit", junit).exit_code == 2
    assert ElementTree.parse(junit).getroot().find(".//testcase/error") is not None


def test_the_same_name_twice_is_an_error_of_the_second(scenario: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_bytes(scenario.read_bytes())
    result = check(scenario, again)
    assert result.exit_code == 2
    assert f"{again}: name: 'base' is the name of two scenarios; rename one" in result.output
    assert f"✓ {FAILING.name}" in result.output


def test_a_renamed_scenario_fails(scenario: Path, baseline: Path) -> None:
    result = check(scenario, "--set", "name=other", "--baseline", baseline)
    assert result.exit_code == 1
    assert "not in the baseline; --update-baseline enters it" in result.output
    assert "has scenario 'other' now" in result.output


def test_an_update_says_what_changes_and_writes_what_is_worse_only_if_accepted(
    scenario: Path, baseline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = baseline.read_bytes()
    result = check(scenario, "--baseline", baseline, "--update-baseline")
    assert (result.exit_code, f"{baseline}: nothing changes" in result.output) == (0, True)
    replace_metric(monkeypatch, "replication.bytes", lambda value: round(1.11 * value))
    result = check(scenario, "--baseline", baseline, "--update-baseline")
    assert result.exit_code == 1
    assert f"{baseline}: worse: base: mean of replication.bytes:" in result.output
    assert "not written, since something got worse; --accept" in result.output
    assert baseline.read_bytes() == before
    assert check(scenario, "--baseline", baseline, "--update-baseline", "--accept").exit_code == 0
    assert baseline.read_bytes() != before
    assert check(scenario, "--baseline", baseline).exit_code == 0


def test_a_better_baseline_needs_no_leave(scenario: Path, baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_metric(monkeypatch, "replication.bytes", lambda value: value // 2)
    result = check(scenario, "--baseline", baseline, "--update-baseline")
    assert result.exit_code == 0
    assert "better: base: mean of replication.bytes" in result.output


def test_what_an_update_says_does_not_mix_with_json(scenario: Path, baseline: Path) -> None:
    result = check(scenario, "--baseline", baseline, "--update-baseline", "--json")
    assert json.loads(result.stdout)["passed"] is True
    assert "nothing changes" in result.stderr
