"""Scenario files for the commands, and machine code for what they run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from scenarios_for_tests import BASE, VARIANTS, merged, small

from vmfailover.engine import compile_time
from vmfailover.simulation import run

#: Writes a variant to a file, with further keys changed, and returns its path.
ScenarioFile = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Have the kernels compiled and kept, so that no command has to say that it compiles, in whatever process."""
    for variant in ("base", "three-vcpus-log"):
        run(small(variant))


@pytest.fixture(autouse=True)
def nothing_said_of_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a command says of compiling out of what tests read."""
    monkeypatch.setattr(compile_time, "PATIENCE", 3600.0)


@pytest.fixture
def scenario_file(tmp_path: Path) -> ScenarioFile:
    def write(variant: str = "base", **changes: object) -> Path:
        path = tmp_path / f"{variant}.yaml"
        content = merged(merged(BASE, {"name": variant, **VARIANTS[variant]}), changes)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write
