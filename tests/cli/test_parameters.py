"""An error about a parameter: Python users read its name, and those of the command line its option."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from scenarios_for_tests import minute

import vmfailover as vf
from vmfailover.cli.main import main
from vmfailover.cli.options import option_of
from vmfailover.errors import ParameterError
from vmfailover.results.export import require_writable
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.changes import Limit
from vmfailover.studies.executors import dask_workers
from vmfailover.studies.exploration_store import Store
from vmfailover.studies.memory_estimate import require_memory

SCENARIO = minute()
VARY = {"seed": "1:2", "link.latency": "1us:2us"}
VARIED = ("--vary", "seed=1:2", "--vary", "link.latency=1us:2us")


@dataclass(frozen=True)
class Case:
    """A call and a command that are given the same, and what each says of it."""

    field: str
    call: Callable[[Path], Any]
    command: tuple[str, ...]
    python: str
    cli: str


def given(name: str, text: str, *words: str) -> tuple[tuple[str, ...], str, str]:
    """Return a command, and what both say where the message begins with the parameter."""
    return words, f"{name}{text}", f"error: {option_of(name)}{text}"


CASES = [
    Case("repair", lambda _: vf.availability(SCENARIO, repair="x"), (), "repair: 'x' is unknown", ""),
    Case(
        "mttf",
        lambda _: vf.availability(SCENARIO, mttf="0 h"),
        *given("mttf", ": must", "availability", "S", "--mttf", "0h"),
    ),
    Case(
        "faults",
        lambda _: vf.explore(SCENARIO, faults=["x"]),
        *given("faults", ": 'x' is", "explore", "S", "--faults", "x"),
    ),
    Case(
        "baseline",
        lambda _: vf.compare([SCENARIO], baseline="x"),
        *given("baseline", ": 'x' is", "compare", "S", "--baseline", "x"),
    ),
    Case(
        "until", lambda _: vf.replicate(SCENARIO, until="x"), *given("until", ": 'x' is no", "run", "S", "--until", "x")
    ),
    Case(
        "keys",
        lambda _: vf.sweep(SCENARIO, {"seed": "1:9:x"}),
        *given("keys", " seed=1:9:x: write", "sweep", "S", "-p", "seed=1:9:x"),
    ),
    Case(
        "count",
        lambda _: vf.sweep(SCENARIO, {"seed": "1"}, count=3),
        *given("count", ": belongs", "sweep", "S", "-p", "seed=1", "--points", "3"),
    ),
    Case(
        "address",
        lambda _: dask_workers("x", SCENARIO).__enter__(),
        *given("address", " x: is not", "sweep", "S", "-p", "seed=1", "--dask", "x"),
    ),
    Case(
        "minimize", lambda _: vf.tune(SCENARIO, "x", VARY), *given("minimize", ": 'x'", "tune", "S", "--minimize", "x")
    ),
    Case(
        "subject_to",
        lambda _: vf.tune(SCENARIO, "guest.slowdown", VARY, subject_to=["x"]),
        *given("subject_to", ": 'x'", "tune", "S", "--subject-to", "x"),
    ),
    Case(
        "metric",
        lambda _: vf.sensitivity(SCENARIO, "x", VARY),
        *given("metric", ": 'x'", "sensitivity", "S", *VARIED, "--metric", "x"),
    ),
    Case(
        "vary",
        lambda _: vf.sensitivity(SCENARIO, "guest.slowdown", {"seed": "1:2"}),
        *given("vary", ": give", "sensitivity", "S", "--vary", "seed=1:2"),
    ),
    Case(
        "samples",
        lambda _: vf.sensitivity(SCENARIO, "guest.slowdown", VARY, samples=10**6),
        *given("samples", " 1000000: makes", "sensitivity", "S", *VARIED, "--samples", "1000000"),
    ),
    Case(
        "limits",
        lambda _: Limit.parse("x"),
        *given("limits", ": 'x' is no limit", "check", "S", "--fail-on", "x", "--baseline", "B"),
    ),
    Case(
        "baseline",
        lambda _: vf.check([SCENARIO]),
        ("check", "S"),
        "give a `baseline`, write `expect:` into a scenario, or ask for `invariants_only`",
        "give a --baseline, write `expect:` into a scenario, or ask for --invariants-only",
    ),
    Case(
        "baseline",
        lambda folder: vf.read_baseline(folder / "no"),
        ("check", "S", "--baseline", "no"),
        "make it with `write_baseline`",
        "make it with --update-baseline",
    ),
    Case(
        "out",
        lambda folder: vf.sweep(SCENARIO, {"seed": "1"}, out=folder),
        ("sweep", "S", "-p", "seed=1", "--out", "."),
        "is not empty and not of a sweep; give `out` another folder",
        "is not empty and not of a sweep; give --out another folder",
    ),
    Case(
        "out",
        lambda folder: require_writable(folder / "S"),
        ("explore", "S", "--out", "S"),
        "is not a folder; give `out` another one",
        "is not a folder; give --out another one",
    ),
    Case(
        "max_memory",
        lambda _: require_memory(SCENARIO, 1),
        ("run", "S", "--max-memory", "1B"),
        "smaller or `max_memory` larger",
        "smaller or --max-memory larger",
    ),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a scenario called S."""
    monkeypatch.chdir(tmp_path)
    write_scenario(SCENARIO, tmp_path / "S")
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.field)
def test_python_names_the_parameter(case: Case, folder: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        case.call(folder)
    assert caught.value.field == case.field
    assert case.python in str(caught.value)
    assert "--" not in str(caught.value)


@pytest.mark.parametrize("case", [case for case in CASES if case.command], ids=lambda case: case.field)
def test_the_command_line_names_the_option(case: Case) -> None:
    result = CliRunner().invoke(main, case.command)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert case.cli in result.stderr


def test_what_a_user_wrote_is_not_taken_for_a_parameter() -> None:
    error = ParameterError("repair", "'{out}' is unknown", given="`repair`", remedy="give {out} something else")
    assert error.told(option_of) == "--repair `repair`: '{out}' is unknown; give --out something else"


@pytest.mark.parametrize("told", [str, partial(ParameterError.told, name=option_of)])
def test_an_error_comes_from_another_process_as_it_was(told: Callable[[ParameterError], str]) -> None:
    error = ParameterError("out", "is full", about=Path("x"), remedy="give {out} another folder")
    assert told(pickle.loads(pickle.dumps(error))) == told(error)


def test_a_store_of_other_runs_names_the_parameter(folder: Path) -> None:
    Store(folder, {"hash": "1"})
    with pytest.raises(ParameterError, match="is of another scenario or version; give `out` another folder"):
        Store(folder, {"hash": "2"})
