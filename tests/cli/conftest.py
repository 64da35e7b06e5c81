"""Scenario files for the commands."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from scenarios_for_tests import BASE, VARIANTS, merged

#: Writes a variant to a file, with further keys changed, and returns its path.
ScenarioFile = Callable[..., Path]


@pytest.fixture
def scenario_file(tmp_path: Path) -> ScenarioFile:
    def write(variant: str = "base", **changes: object) -> Path:
        path = tmp_path / f"{variant}.yaml"
        content = merged(merged(BASE, {"name": variant, **VARIANTS[variant]}), changes)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write
