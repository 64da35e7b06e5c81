"""The package as a whole: its public names, what importing it costs, and which way its imports go."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

import vmfailover
from vmfailover.version import version

ROOT = Path(vmfailover.__file__).parent
#: What takes long to import, and no user of `import vmfailover` or `--help` may wait for.
HEAVY = {"numpy", "pandas", "numba", "pyarrow", "matplotlib", "simpy", "pydantic"}


def modules() -> dict[str, ast.Module]:
    """Return the source of every module by its name."""
    names = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return names


def imports(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Yield the modules of this package that a module needs to be imported itself."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        if isinstance(node, ast.ImportFrom) and node.module in known:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from submodules & known or {node.module}


@pytest.mark.parametrize("name", vmfailover.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(vmfailover, name).__name__ == name
    assert name in dir(vmfailover)


def test_a_name_that_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        vmfailover.walk  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, vmfailover; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "vmfailover" in loaded
    assert not HEAVY & set(loaded)


def test_no_module_needs_itself_to_be_imported() -> None:
    trees = modules()
    graph = {name: set(imports(tree, set(trees))) - {name} for name, tree in trees.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_the_version_is_that_of_the_installed_package() -> None:
    assert version() == metadata("vmfailover")["Version"]


def test_a_package_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert version() == "0+unknown"
