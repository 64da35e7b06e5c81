"""Mutation testing itself: what is a mutant, which tests cover it, and what its trial says."""

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")
pytest.importorskip("coverage")

from .covering import TestFile, covering
from .mutants import Mutant, draw
from .trial import Outcome, tried

SOURCE = '''"""Says something."""

from __future__ import annotations


def least(one: int | None, other: int) -> int | None:
    """Return the lower one."""
    if one is None:
        return other
    return one if one < other else other
'''
TESTS = """from vmfailover.model.least import least

def test_least() -> None:
    assert (least(1, 2), least(2, 1), least(None, 3)) == (1, 1, 3)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of one function with one test."""
    for name, text in {
        "vmfailover/__init__.py": "",
        "vmfailover/model/__init__.py": "",
        "vmfailover/model/least.py": SOURCE,
        "tests/mutation/unshrunk.py": "",
        "tests/test_least.py": TESTS,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def drawn(root: Path, count: int = 100, seed: int = 1) -> list[Mutant]:
    return draw(root, ["model"], count, seed)


def test_a_place_has_one_mutant_at_most_and_annotations_and_docstrings_have_none(root: Path) -> None:
    """Two conditions, what each of them is about, and two statements make six places."""
    lines = {mutant.line for seed in range(30) for mutant in drawn(root, seed=seed)}
    assert lines == {8, 9, 10}
    assert {len(drawn(root, seed=seed)) for seed in range(30)} == {6}


def test_a_longer_draw_begins_with_the_shorter_one(root: Path) -> None:
    assert drawn(root, 2) == drawn(root, 3)[:2]
    assert any(drawn(root, 2, seed) != drawn(root, 2) for seed in range(2, 9))


def test_a_statement_may_be_deleted(root: Path) -> None:
    deleted = [mutant for seed in range(30) for mutant in drawn(root, seed=seed) if mutant.after == "pass"]
    assert {mutant.before for mutant in deleted} == {"return other", "return one if one < other else other"}


def test_the_cheapest_tests_of_a_line_come_first() -> None:
    files = [
        TestFile("dear", False, 9.0, {"a.py": [1, 2]}),
        TestFile("cheap", False, 1.0, {"a.py": [2]}),
        TestFile("interpreted", True, 0.5, {"a.py": [2]}),
        TestFile("elsewhere", False, 0.1, {"b.py": [2]}),
    ]
    assert [each.path for each in covering(files, "a.py", 2, False)] == ["cheap", "dear"]
    assert [each.path for each in covering(files, "a.py", 1, False)] == ["dear"]
    assert [each.path for each in covering(files, "a.py", 7, False)] == ["cheap", "dear"]
    assert [each.path for each in covering(files, "a.py", 2, True)] == ["interpreted"]


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        (SOURCE, Outcome.SURVIVED),
        (SOURCE.replace("<", ">"), Outcome.KILLED),
        (SOURCE.replace("is None", "is not None"), Outcome.KILLED),
    ],
)
def test_a_trial_tells_whether_the_tests_notice(root: Path, changed: str, outcome: Outcome) -> None:
    path = "vmfailover/model/least.py"
    files = [TestFile("tests/test_least.py", False, 0.1, {path: [8, 9, 10]})]
    verdict = tried(root, Mutant(path, 10, "", "before", "after", changed), files, 10)
    assert verdict.outcome == outcome
    assert (root / path).read_text() == SOURCE


def test_what_no_test_runs_is_uncovered(root: Path) -> None:
    mutant = Mutant("vmfailover/model/least.py", 10, "", "before", "after", SOURCE)
    assert tried(root, mutant, [], 10).outcome == Outcome.UNCOVERED
