"""What can be wrong with a scenario, and how it is told."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from vmfailover.errors import InputError

_LONGEST = 60
_MOST_CHOICES = 12

#: Where a value stands in a scenario: keys of mappings and indices of lists, from the outside in.
KeyPath = tuple[str | int, ...]


class ScenarioError(InputError):
    """A scenario is wrong; the text has one line a problem, each with its place, its key and a remedy."""


class NoSuchKeyError(ScenarioError):
    """A key is written that there is not, or that could be one of several."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the value at `path`, or with the key itself."""

    path: KeyPath
    message: str
    on_key: bool = False
    #: Whether there is no such key under any kind of its section.
    no_such_key: bool = False


class MisfitError(ValueError):
    """Values that are right one by one do not fit together; raised inside validators, never seen by users."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{dotted(problem.path)}: {problem.message}" for problem in self.problems))


def require_fit(problems: Iterable[Problem]) -> None:
    """Raise `MisfitError` if there is any problem."""
    found = tuple(problems)
    if found:
        raise MisfitError(found)


def dotted(path: KeyPath) -> str:
    """Return a path as users write it: `failures.0.at`."""
    return ".".join(_shortened(str(key)) for key in path)


def shown(value: object) -> str:
    """Return how a value looks in a message: quoted, on one line, and shortened."""
    return _shortened(repr(value))


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return what to write instead of an unknown word: the known word nearest to it, or the choices there are."""
    choices = sorted(known)
    near = difflib.get_close_matches(word[:_LONGEST], choices, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if len(choices) <= _MOST_CHOICES:
        return f"it is one of {', '.join(choices)}"
    return f"the nearest are {', '.join(difflib.get_close_matches(word[:_LONGEST], choices, n=3, cutoff=0))}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
