"""Mutants of the product, drawn at random from all that the operators of Cosmic Ray can make."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names

#: Operators that change nothing, or nothing but speed: `is` for `==` and back, and decorators, which compile.
_POINTLESS = re.compile(r"_(Is|IsNot)$|_(Is|IsNot)_|RemoveDecorator")
_WORTH_IT = re.compile(r"_(Is_IsNot|IsNot_Is)$")


#: Kinds of statements that do nothing when the program runs: docstrings, `...`, imports, `del` of arguments, `pass`.
_SILENT = {"string", "operator", "import_from", "import_name", "del_stmt", "assert_stmt", "keyword"}


class DeleteStatement(Operator):  # type: ignore[misc]
    """Puts `pass` in the place of a statement of its own line, which Cosmic Ray has no operator for."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield where a call, an assignment or a return stands; docstrings, imports and `pass` do not count."""
        if node.type == "simple_stmt" and not _says_nothing(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return `pass` with the indentation of the statement."""
        del index
        return get_ast(f"{node.get_first_leaf().prefix}pass\n")

    @classmethod
    def examples(cls) -> Sequence[object]:
        """Cosmic Ray's own tests do not know of this operator."""
        return ()


def _says_nothing(statement: Any) -> bool:
    return statement.type in _SILENT or "TypeAlias" in statement.get_code()


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    #: Of the file, from the root of the repository.
    path: str
    line: int
    operator: str
    before: str
    after: str
    #: All of the file as changed.
    source: str

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.path}:{self.line}: {self.before}  →  {self.after}"


def draw(root: Path, packages: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Draw so many mutants of packages of the product, at most one of each place in the code.

    A longer draw with the same seed begins with the shorter one.
    """
    random = Random(seed)
    places = sorted(_places(root, packages).items())
    random.shuffle(places)
    drawn: list[Mutant] = []
    for (path, _), changes in places:
        mutant = _mutant(root, path, *random.choice(changes))
        if mutant is not None:
            drawn.append(mutant)
        if len(drawn) == count:
            break
    return drawn


def _places(root: Path, packages: Sequence[str]) -> dict[tuple[str, tuple[int, int]], list[tuple[str, int]]]:
    """Return the changes, each as an operator's name and an occurrence, that there are at each place of each file."""
    places = defaultdict(list)
    for package in packages:
        for file in sorted((root / "vmfailover" / package).rglob("*.py")):
            path = str(file.relative_to(root))
            for position, change in _changes(file.read_text()):
                places[path, position].append(change)
    return places


def _changes(source: str) -> Iterator[tuple[tuple[int, int], tuple[str, int]]]:
    nodes = [*ast_nodes(get_ast(source))]
    for name, operator in OPERATORS.items():
        positions = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, start in enumerate(positions):
            yield start, (name, occurrence)


def _operators() -> dict[str, Operator]:
    known = {name: get_operator(name) for name in operator_names() if "core/" in name}
    wanted = {name: each for name, each in known.items() if _WORTH_IT.search(name) or not _POINTLESS.search(name)}
    without_arguments = {name: each() for name, each in wanted.items() if not each.arguments()}
    return {"delete-statement": DeleteStatement(), **without_arguments}


OPERATORS = _operators()


def _mutant(root: Path, path: str, operator: str, occurrence: int) -> Mutant | None:
    """Make a change; None if it is none but of annotations, or no program."""
    source = (root / path).read_text()
    changed = mutate_code(source, OPERATORS[operator], occurrence)
    try:
        if _meaning(changed) == _meaning(source):
            return None
    except SyntaxError:
        return None
    line, before, after = _difference(source, changed)
    return Mutant(path, line, operator, before, after, changed)


def _meaning(source: str) -> str:
    return ast.dump(_Unannotated().visit(ast.parse(source)))


class _Unannotated(ast.NodeTransformer):
    """Takes annotations away, which mean nothing when the program runs."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _difference(source: str, changed: str) -> tuple[int, str, str]:
    """Return the number of the first line that differs, and that line before and after."""
    pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
    return next((at, one.strip(), other.strip()) for at, (one, other) in enumerate(pairs, 1) if one != other)
