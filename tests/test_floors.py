"""Imports go downwards: the checker of the floors says so, and would say so of one arrow upwards."""

import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
(CONTRACT,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "vmfailover", folder / "vmfailover", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_every_package_and_module_has_a_floor() -> None:
    named = {name for floor in CONTRACT["layers"] for name in floor.split(" | ")}
    modules = {path.stem for path in (ROOT / "vmfailover").glob("*.py")}
    packages = {path.parent.name for path in (ROOT / "vmfailover").glob("*/__init__.py")}
    assert named == (modules | packages) - {"__init__", "__main__"}


def test_imports_go_downwards() -> None:
    found = check(ROOT)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("below", "above"),
    [
        ("hardware/link.py", "replication.sender"),
        ("records/events.py", "engine.event_log"),
        ("results/export.py", "report.figures.timeline"),
        ("scenario/checks.py", "guest.guest"),
    ],
)
@pytest.mark.parametrize("indent", ["", "def later() -> None:\n    "])
def test_one_arrow_upwards_is_refused_deferred_or_not(copy: Path, below: str, above: str, indent: str) -> None:
    module = copy / "vmfailover" / below
    before = module.read_text()
    module.write_text(f"{before}\n\n{indent}import vmfailover.{above}\n")
    try:
        found = check(copy)
    finally:
        module.write_text(before)
    assert found.returncode == 1
    assert f"vmfailover.{below.removesuffix('.py').replace('/', '.')} -> vmfailover.{above}" in found.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("vmfailover", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()
