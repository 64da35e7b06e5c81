"""What a check tells: terminal, JUnit, GitHub."""

import xml.etree.ElementTree as ElementTree
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from vmfailover.report.check_lines import change_line, failure_lines, note_lines, verdict_line
from vmfailover.report.check_table import print_check
from vmfailover.report.github import MOST_ANNOTATIONS, annotations, step_summary
from vmfailover.report.junit import write_junit
from vmfailover.studies.regression import Change, Check, Checked, Unmet

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
        ({"known": False}, "not in the baseline, so only its expectations are checked"),
        ({"other_seeds": True}, "the baseline has other seeds"),
        ({"ungated": ("log.stall_ns",)}, "the baseline does not tell of log.stall_ns;"),
    ],
)
def test_what_was_not_compared_is_noted(fields: dict[str, Any], words: str) -> None:
    (note,) = note_lines(checked(**fields))
    assert note.startswith(words)


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
