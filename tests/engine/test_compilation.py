"""Compiled functions: remembered from process to process, and working where nothing can be remembered."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from marks import mostly_slow

from vmfailover.engine.compilation import compiled

ROOT = Path(__file__).parents[2]
PROGRAM = """
import numpy as np
from vmfailover.guest.workloads.generator import fill_dithered
values = np.zeros(4, np.uint32)
fill_dithered(values, np.uint64(0), np.uint32(7), np.uint64(1 << 63))
print(values.tolist(), sum(fill_dithered.stats.cache_hits.values()), sum(fill_dithered.stats.cache_misses.values()))
"""


def start(program: str, environment: dict[str, Path]) -> subprocess.Popen[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    variables |= {"PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in environment.items()}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def output(process: subprocess.Popen[str]) -> str:
    text, errors = process.communicate(timeout=120)
    assert errors == ""
    assert process.returncode == 0
    return text.strip()


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", pytest.param("XDG_CACHE_HOME", marks=pytest.mark.slow)])
def test_later_processes_do_not_compile(tmp_path: Path, variable: str) -> None:
    together = [start(PROGRAM, {variable: tmp_path / "new"}) for _ in range(2)]
    assert {output(process)[:12] for process in together} == {"[7, 8, 7, 8]"}
    assert list(tmp_path.rglob("*.nbc"))
    assert output(start(PROGRAM, {variable: tmp_path / "new"})) == "[7, 8, 7, 8] 1 0"


@pytest.mark.parametrize("variable", mostly_slow(["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"], "XDG_CACHE_HOME"))
def test_a_folder_that_cannot_be_written(tmp_path: Path, variable: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert output(start(PROGRAM, {variable: tmp_path / "file"})).startswith("[7, 8, 7, 8] 0 ")
    assert os.listdir(tmp_path) == ["file"]


def test_a_function_typed_at_a_prompt(tmp_path: Path) -> None:
    program = "from vmfailover.engine.compilation import compiled\n@compiled\ndef half(x): return x / 2\nprint(half(3))"
    assert output(start(program, {"XDG_CACHE_HOME": tmp_path})) == "1.5"


@compiled
def quotient(dividend: float, divisor: float) -> float:
    return dividend / divisor


def test_division_by_zero_is_that_of_numpy() -> None:
    assert quotient(1.0, 0.0) == np.inf
    assert np.isnan(quotient(0.0, 0.0))
