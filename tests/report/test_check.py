"""What a check tells: terminal, JUnit, GitHub."""

import xml.etree.ElementTree as ElementTree
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from vmfailover.report.check_lines import change_line, failure_lines, note_lines, unmet_line, verdict_line
from vmfailover.report.check_table import print_check
from vmfailover.report.github import MOST_ANNOTATIONS, annotations, step_summary
from vmfailover.report.junit import write_junit
from vmfailover.studies.changes import Change
from vmfailover.studies.regression import Check, Checked, Refused
from vmfailover.studies.unmet import Unmet
from vmfailover.studies.vanished import Vanished

SLOWER = Change("failover.latency_ns", "p99", 50e6, 56e6, "detection")
FASTER = Change("guest.slowdown", "mean", 0.05, 0.03, "tracking of modified memory")
GONE = Change("client.blackout_ns", "mean", 60e6, None, "output commit", lost=2)


def checked(**fields: Any) -> Checked:
    defaults = {
        "name": "quickstart",
        "path": "scenarios/quickstart.yaml",
        "n": 10,
        "expectations": 1,
        "unmet": (),
        "changes": (),
        "known": True,
        "scenario_changed": False,
        "faults": (),
    }
    return Checked(**{**defaults, **fields})


def check(*each: Checked) -> Check:
    return Check(each, ())


def test_a_change_names_metric_baseline_value_and_component() -> None:
    assert change_line(SLOWER) == (
        "p99 of failover.latency_ns: 50.0 ms in the baseline, 56.0 ms now (+12.0 %); likely detection"
    )
    assert "60.0 ms in the baseline, no value now in 2 runs that had one; likely" in change_line(GONE)
    from_nothing = Change("log.stall_ns", "mean", 0.0, 5000.0, "address log")
    assert "0 ns in the baseline, 5.00 µs now; likely" in change_line(from_nothing)


def test_what_is_wrong_and_what_is_only_noted() -> None:
    found = checked(
        changes=(SLOWER, FASTER),
        unmet=(Unmet("failover.count", "== 0", 1.0),),
        faults=("seed 3: image: 2 lines differ",),
        scenario_changed=True,
    )
    assert [line.split(":")[0] for line in failure_lines(found)] == [
        "seed 3",
        "failover.count",
        "p99 of failover.latency_ns",
    ]
    notes = list(note_lines(found))
    assert notes[0] == "the scenario has changed since the baseline was made"
    assert notes[1].startswith("better than the baseline, which is stale: mean of guest.slowdown")
    assert verdict_line(check(found, checked())) == "2 scenarios checked, 1 failed"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"known": False}, "not in the baseline; --update-baseline enters it"),
        ({"other_seeds": True, "incomparable": True}, "the baseline has other seeds, and one run cannot be told from"),
        ({"untold": ("log.stall_ns",)}, "the baseline does not tell of log.stall_ns;"),
    ],
)
def test_what_could_not_be_compared_fails(fields: dict[str, Any], words: str) -> None:
    found = checked(**fields)
    (line,) = failure_lines(found)
    assert line.startswith(words)
    assert not found.passed
    assert list(note_lines(found)) == []


def test_other_seeds_are_noted() -> None:
    (note,) = note_lines(checked(other_seeds=True))
    assert note.startswith("the baseline has other seeds, so only changes beyond the spread")


def test_a_scenario_that_only_its_invariants_gate_is_told() -> None:
    (note,) = note_lines(checked(known=None, expectations=0))
    assert note.startswith("held against its invariants alone")


@pytest.mark.parametrize(
    ("unmet", "words"),
    [
        (Unmet("client.latency_p99_ns", "max < 10 ms", 97e6, at_least=True), "found at least 97.0 ms"),
        (
            Unmet("client.latency_p99_ns", "max < 10 ms", 7e6, at_least=True, open=True),
            "found at least 7.00 ms, which does not show it; let the run be longer",
        ),
        (Unmet("failback.latency_ns", "< 1 s", None, without=1), "found no value in 1 run"),
        (Unmet("failback.latency_ns", "< 1 s", None), "found no value"),
        (Unmet("failover.count", "== 0", 1.0), "found 1"),
    ],
)
def test_an_unmet_expectation_says_what_was_found(unmet: Unmet, words: str) -> None:
    assert unmet_line(unmet) == f"{unmet.metric}: expected {unmet.expectation}, {words}"


def test_lower_bounds_are_told_as_such() -> None:
    cut_off = Change("client.latency_p99_ns", "mean", 5e6, 4e6, "output commit", lost=1, now_at_least=True)
    assert change_line(cut_off) == (
        "mean of client.latency_p99_ns: 5.00 ms in the baseline, at least 4.00 ms now (−20.0 %), "
        "cut off in 1 run that was not; likely output commit"
    )
    assert cut_off.worse
    assert "| 5.00 ms | at least 4.00 ms |" in step_summary(check(checked(changes=(cut_off,))))
    both = Change("client.latency_p99_ns", "mean", 5e6, 6e6, "", before_at_least=True, now_at_least=True)
    assert "at least 5.00 ms in the baseline, at least 6.00 ms now (+20.0 %)" in change_line(both)


NOT_THERE = Check(
    (checked(),),
    (),
    refused=(Refused("b.yaml", ("b.yaml: cannot be read: no such file or directory",)),),
    vanished=(Vanished("old", "scenarios/old.yaml", None), Vanished("was", "scenarios/quickstart.yaml", "quickstart")),
    left_out=3,
)


def test_what_was_not_checked_is_told_everywhere(tmp_path: Path) -> None:
    assert not NOT_THERE.passed
    assert verdict_line(NOT_THERE) == "1 scenario checked, 2 failed, 1 could not be"
    text = StringIO()
    print_check(NOT_THERE, Console(file=text, width=80))
    summary = step_summary(NOT_THERE)
    for words in (
        "old",
        "in the baseline, but scenarios/old.yaml is not there any more; --update-baseline --accept takes it out",
        "in the baseline, but scenarios/quickstart.yaml has scenario 'quickstart' now",
        "b.yaml: cannot be read: no such file or directory",
        "3 scenarios of the baseline are not among those given, and not checked",
    ):
        assert words in text.getvalue()
        assert words in summary
    assert [line.split("::")[1] for line in annotations(NOT_THERE)] == [
        "error title=vmfailover%3A old",
        "error title=vmfailover%3A was",
        "error file=b.yaml,title=vmfailover",
    ]
    write_junit(NOT_THERE, tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    assert [case.get("name") for case in suite.iter("testcase")] == ["quickstart", "old", "was", "b.yaml"]


def test_the_verdict_says_what_was_not_looked_at() -> None:
    assert verdict_line(check(checked(known=None))) == (
        "1 scenario checked, all passed, without a baseline to compare with"
    )
    alone = Check((checked(known=None, expectations=0),), (), invariants_only=True)
    assert verdict_line(alone) == "1 scenario checked, all passed, their invariants alone being checked"


def test_without_a_baseline_nothing_is_noted_of_one() -> None:
    assert list(note_lines(checked(known=None))) == []


def test_a_terminal_shows_each_scenario_and_the_outcome() -> None:
    text = StringIO()
    print_check(check(checked(name="fine"), checked(name="worse", changes=(SLOWER,))), Console(file=text, width=80))
    assert text.getvalue().splitlines() == [
        "✓ fine: 10 runs, 1 of 1 expectation met",
        "✗ worse: 10 runs, 1 of 1 expectation met",
        "    p99 of failover.latency_ns: 50.0 ms in the baseline, 56.0 ms now (+12.0 %); likely detection",
        "2 scenarios checked, 1 failed",
    ]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    written = BytesIO()
    file = TextIOWrapper(written, encoding="ascii")
    print_check(check(checked(changes=(FASTER,))), Console(file=file, width=80))
    file.flush()
    assert written.getvalue().decode("ascii").startswith("+ quickstart: 10 runs")


def test_an_improvement_passes() -> None:
    assert checked(changes=(FASTER,)).passed
    assert not checked(changes=(GONE,)).passed


def test_there_are_ten_annotations_at_most_and_none_breaks_out() -> None:
    many = checked(name="odd, name: x", faults=tuple(f"seed {n}: 100 %\nbroken" for n in range(30)))
    lines = list(annotations(check(many)))
    assert len(lines) == MOST_ANNOTATIONS
    start = "::error file=scenarios/quickstart.yaml,title=vmfailover%3A odd%2C name%3A x::"
    assert lines[0] == f"{start}seed 0: 100 %25%0Abroken"
    assert list(annotations(check(checked()))) == []


def test_the_summary_of_a_step_is_a_table() -> None:
    text = step_summary(check(checked(changes=(SLOWER, FASTER), faults=("seed 1: a | b <c>",))))
    assert "| ❌ quickstart | `failover.latency_ns` | p99 | 50.0 ms | 56.0 ms | detection |" in text
    assert "| ✅ quickstart | `guest.slowdown` |" in text
    assert "seed 1: a \\| b &lt;c>" in text
    assert text.count("p99 of failover.latency_ns") == 0
    assert text.count("mean of guest.slowdown") == 0
    assert "✅ is better than the baseline, which is stale." in text
    assert "stale" not in step_summary(check(checked(changes=(SLOWER,))))


def test_junit(tmp_path: Path) -> None:
    write_junit(check(checked(), checked(name="second", changes=(SLOWER,))), tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    (failure,) = suite.iter("failure")
    assert "failover.latency_ns" in (failure.get("message") or "")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(min_size=1), fault=st.text(min_size=1))
def test_junit_of_any_text_is_xml(tmp_path: Path, name: str, fault: str) -> None:
    write_junit(check(checked(name=name, faults=(fault,))), tmp_path / "junit.xml")
    assert len(list(ElementTree.parse(tmp_path / "junit.xml").getroot().iter("failure"))) == 1
