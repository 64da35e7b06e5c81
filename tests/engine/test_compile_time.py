"""The time that compiling takes, and word of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from numba.core import event
from scenarios_for_tests import small

from vmfailover.engine import compile_time
from vmfailover.engine.compilation import compiled
from vmfailover.engine.compile_time import told_of_compiling
from vmfailover.simulation import run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def told() -> list[str]:
    return []


def compiling(seconds: float) -> None:
    """Do as the compiler does that works for a while on a function that calls another one."""
    with event.trigger_event("numba:compile"), event.trigger_event("numba:compile"):
        time.sleep(seconds)


def test_what_an_outermost_function_takes_is_counted_once() -> None:
    with compile_time.compile_time() as clock:
        for _ in range(2):
            with event.trigger_event("numba:compiler_lock"):
                with event.trigger_event("numba:compiler_lock"):
                    time.sleep(0.02)
                time.sleep(0.02)
    assert 0.08 <= clock.seconds < 0.4


def test_compiling_takes_time_and_calling_does_not() -> None:
    @compiled
    def twice(number: int) -> int:
        return 2 * number

    with compile_time.compile_time() as first:
        assert twice(2) == 4
    with compile_time.compile_time() as second:
        assert twice(2) == 4
    assert first.seconds > 0 == second.seconds


def test_what_is_compiled_elsewhere_is_not_counted() -> None:
    with compile_time.compile_time() as clock:
        pass
    compiling(0.01)
    assert clock.seconds == 0


@pytest.mark.parametrize(("seconds", "times"), [(0.0, 0), (0.2, 1)])
def test_long_compiling_is_told_of_once(
    seconds: float, times: int, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_time, "PATIENCE", 0.1)
    with told_of_compiling(lambda: told.append("compiling")):
        compiling(seconds)
        compiling(seconds)
    assert told == ["compiling"] * times


def test_several_functions_are_not_long_because_there_are_many(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_time, "PATIENCE", 0.2)
    with told_of_compiling(lambda: told.append("compiling")):
        for _ in range(6):
            compiling(0.05)
    assert told == []


def test_a_run_tells_the_time_that_compiling_took() -> None:
    run(small())
    again = run(small()).values
    assert again["run.compile_seconds"] == 0
    assert again["run.accesses_per_second"] == (again["run.accesses"] or 0) / (again["run.wall_seconds"] or 0)


@pytest.mark.slow
def test_the_first_run_of_all_compiles_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vmfailover", "run", str(ROOT / "scenarios" / "quickstart.yaml")]
    variables = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True, env=variables) for _ in range(2)
    )
    assert (first.stderr, second.stderr) == ("compiling for this machine; later runs need not\n", "")
    assert "after compiling for " in first.stdout
    assert "compiling" not in second.stdout
    assert not any(path.name.startswith("execution.run_cores") for path in tmp_path.rglob("*"))
