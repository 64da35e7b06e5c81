"""Which test files run which lines of the product, and how long each takes."""

import os
import resource
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData

#: Test files by whether compiled functions are run by the interpreter, in which a line can be seen and changed.
FOLDERS = {
    False: ("audit", "failover", "guest", "hardware", "replication", "results", "scenario", "simulation"),
    True: ("audit", "guest/workloads", "hardware/cache"),
}
#: Imports the whole model, so that what a test runs can be told from what its imports do.
_IMPORT = """
from importlib import import_module
from pkgutil import walk_packages
import vmfailover
for package in ("hardware", "guest", "replication", "failover", "audit"):
    for module in walk_packages(import_module(f"vmfailover.{package}").__path__, f"vmfailover.{package}."):
        import_module(module.name)
"""


@dataclass(frozen=True)
class TestFile:
    """A file of tests, what it costs, and what it runs."""

    __test__ = False

    path: str
    interpreted: bool
    #: Of the processor.
    seconds: float
    #: Lines of the product by its file, but those that importing it runs.
    lines: Mapping[str, list[int]]


def environment(root: Path, interpreted: bool) -> dict[str, str]:
    """Return the environment in which tests of a copy of the repository run."""
    return {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "NUMBA_DISABLE_JIT": str(int(interpreted)),
    }


def pytest(*arguments: str) -> list[str]:
    """Return the arguments of Python that run quick tests, ending at the first failure, without shrinking it."""
    plugins = ["-p", "tests.mutation.unshrunk", "-p", "no:cacheprovider"]
    return ["-m", "pytest", "-o", "addopts=", *plugins, "-x", "-q", "--tb=line", "-m", "not slow", *arguments]


def measured(root: Path, known: Collection[tuple[str, bool]]) -> Iterator[TestFile]:
    """Run every file of `FOLDERS` once, in the copy of the repository at `root`, and yield it, but those known.

    Raises a RuntimeError where a test fails of the product as it is.
    """
    (root / "import_all.py").write_text(_IMPORT)
    imported = _lines(root, ["import_all.py"], False)
    for path, interpreted in _every(root):
        if (path, interpreted) in known:
            continue
        before = _children_seconds()
        lines = _lines(root, pytest(path), interpreted)
        own = {module: sorted(set(run) - set(imported.get(module, ()))) for module, run in lines.items()}
        yield TestFile(path, interpreted, _children_seconds() - before, own)


def _every(root: Path) -> Iterator[tuple[str, bool]]:
    for interpreted, folders in FOLDERS.items():
        for folder in folders:
            for file in sorted((root / "tests" / folder).rglob("test_*.py")):
                yield str(file.relative_to(root)), interpreted


def covering(files: list[TestFile], path: str, line: int, interpreted: bool) -> list[TestFile]:
    """Return the test files that run a line, the cheapest first; where none does, those that run others of its file."""
    able = sorted((each for each in files if each.interpreted == interpreted), key=lambda each: each.seconds)
    of_line = [each for each in able if line in each.lines.get(path, ())]
    return of_line or [each for each in able if each.lines.get(path)]


def _lines(root: Path, arguments: list[str], interpreted: bool) -> dict[str, list[int]]:
    data_file = root / ".coverage"
    data_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "coverage", "run", f"--data-file={data_file}", "--source=vmfailover", *arguments]
    ended = subprocess.run(command, cwd=root, env=environment(root, interpreted), capture_output=True, text=True)
    if ended.returncode not in (0, 5):
        raise RuntimeError(f"{' '.join(arguments)}: fails without a mutant\n{ended.stdout[-3000:]}")
    data = CoverageData(str(data_file))
    data.read()
    return {str(Path(file).relative_to(root)): sorted(data.lines(file) or ()) for file in data.measured_files()}


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
