"""Control characters in a scenario, which would steer a terminal or a build that shows them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vmfailover.files.text import character_name, control_characters
from vmfailover.scenario.errors import KeyPath, Problem

#: Texts of several lines, for readers.
_PROSE: frozenset[KeyPath] = frozenset({("description",)})
_LAYOUT = "\n\t"


def text_problems(data: Any, path: KeyPath = ()) -> Iterator[Problem]:
    """Yield a problem for each text and each key in plain data that has a control character."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if refused := _refused(str(key), ""):
                yield Problem((*path, str(key)), f"the key has {refused}; leave it out", on_key=True)
            yield from text_problems(value, (*path, str(key)))
    elif isinstance(data, str):
        if refused := _refused(data, _LAYOUT if path in _PROSE else ""):
            yield Problem(path, f"has {refused}, which could steer what shows it; leave it out")
    elif isinstance(data, Sequence) and not isinstance(data, bytes):
        for index, item in enumerate(data):
            yield from text_problems(item, (*path, index))


def _refused(text: str, allowed: str) -> str:
    """Return what the first character is that may not be in a text; empty if there is none."""
    found = next((letter for letter in control_characters(text) if letter not in allowed), None)
    return "" if found is None else f"the control character {character_name(found)}"
