"""Imports go downwards: the checker of the floors says so, and would say so of one arrow upwards."""

import re
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
(CONTRACT,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_the_plan_has_the_floors_in_their_order() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "vmfailover" / "README.md").read_text(), re.MULTILINE)
    floors = [" | ".join(re.findall(r"`(\w+)`", row)) for row in rows]
    assert floors == CONTRACT["layers"]


def test_what_the_plan_names_is_there() -> None:
    named = re.findall(r"`([\w/]+(?:\.py|/))`", (ROOT / "vmfailover" / "README.md").read_text())
    assert len(named) > 15
    folders = [ROOT, ROOT / "vmfailover", *(ROOT / "vmfailover").iterdir()]
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_every_package_and_module_has_a_floor() -> None:
    named = {name for floor in CONTRACT["layers"] for name in floor.split(" | ")}
    modules = {path.stem for path in (ROOT / "vmfailover").glob("*.py")}
    packages = {path.parent.name for path in (ROOT / "vmfailover").glob("*/__init__.py")}
    assert named == (modules | packages) - {"__init__", "__main__"}


#: A module of a lower floor, and one of a higher that it must not know.
ARROWS = {
    "hardware/link.py": "replication.sender",
    "records/events.py": "engine.event_log",
    "results/export.py": "report.figures.timeline",
    "scenario/checks.py": "guest.guest",
}


@pytest.mark.parametrize("indent", ["", "def later() -> None:\n    "])
def test_an_arrow_upwards_is_refused_deferred_or_not(tmp_path: Path, indent: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "vmfailover", tmp_path / "vmfailover", ignore=shutil.ignore_patterns("__pycache__"))
    for below, above in ARROWS.items():
        module = tmp_path / "vmfailover" / below
        module.write_text(f"{module.read_text()}\n\n{indent}import vmfailover.{above}\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert found.returncode == 1
    for below, above in ARROWS.items():
        assert f"vmfailover.{below.removesuffix('.py').replace('/', '.')} -> vmfailover.{above}" in found.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("vmfailover", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()
