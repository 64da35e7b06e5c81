"""The trial of a mutant: the tests that cover it, run in a copy of the repository that has it."""

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .covering import TestFile, covering, environment, pytest
from .mutants import Mutant

#: Address space of a trial, so that a mutant that never has enough does not take the machine with it.
_MEMORY_BYTES = 16 << 30
#: A trial may take so many times the processor time of its tests without a mutant, and what starting takes.
_SLOWER, _START_SECONDS = 3, 30
#: A trial that waits for ever takes no processor time.
_WALL_PER_PROCESSOR = 10
#: Exit code of pytest that says nothing of a mutant: there were no tests.
_NOTHING_RUN = 5


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    #: Ended by a limit of time or memory, or by a signal.
    DIED = "died"
    SURVIVED = "survived"
    #: No test runs its file.
    UNCOVERED = "uncovered"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, and the first test that noticed, or how many files did not."""

    name: str
    outcome: Outcome
    by: str

    @property
    def noticed(self) -> bool:
        """Whether it counts for the tests."""
        return self.outcome in (Outcome.KILLED, Outcome.DIED)


@contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """Give a copy of what the repository at `root` holds, for as long as it is needed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(None, listed.stdout.split("\0")):
            if (root / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, Path(folder) / name)
        yield Path(folder)


def is_compiled(source: str) -> bool:
    """Whether a file has functions that are compiled, which are changed and run as the interpreter does."""
    return "engine.compilation import" in source


def tried(root: Path, mutant: Mutant, files: Sequence[TestFile], seconds: float) -> Verdict:
    """Run, in the copy at `root`, the tests that cover a mutant, the cheapest first and `seconds` of them at most."""
    interpreted = is_compiled(mutant.source)
    chosen = _within(covering([*files], mutant.path, mutant.line, interpreted), seconds)
    if not chosen:
        return Verdict(mutant.name, Outcome.UNCOVERED, "no test")
    limit = int(_START_SECONDS + _SLOWER * sum(each.seconds for each in chosen))
    with _changed(root / mutant.path, mutant.source):
        code, output = _run(root, [each.path for each in chosen], interpreted, limit)
    if code == _NOTHING_RUN:
        raise RuntimeError(f"{mutant.name}: the tests did not run\n{output}")
    if code == 0:
        return Verdict(mutant.name, Outcome.SURVIVED, f"{len(chosen)} files of tests")
    return Verdict(mutant.name, Outcome.KILLED if code > 0 else Outcome.DIED, _failure(output))


def _within(files: list[TestFile], seconds: float) -> list[TestFile]:
    chosen: list[TestFile] = []
    for each in files:
        if chosen and sum(other.seconds for other in chosen) + each.seconds > seconds:
            break
        chosen.append(each)
    return chosen


@contextmanager
def _changed(path: Path, source: str) -> Iterator[None]:
    before = path.read_text()
    path.write_text(source)
    try:
        yield
    finally:
        path.write_text(before)


def _run(root: Path, files: list[str], interpreted: bool, limit: int) -> tuple[int, str]:
    """Return the exit code, negative where a limit was reached, and the output."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))

    command = [sys.executable, *pytest(*files)]
    try:
        ended = subprocess.run(
            command,
            cwd=root,
            env=environment(root, interpreted),
            capture_output=True,
            text=True,
            timeout=limit * _WALL_PER_PROCESSOR,
            preexec_fn=limited,
        )
    except subprocess.TimeoutExpired:
        return -1, ""
    return ended.returncode, ended.stdout + ended.stderr


def _failure(output: str) -> str:
    """Return the test that failed, or the last that pytest had to say."""
    lines = [line for line in output.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return (told or lines or ["nothing said"])[-1][:150]
