"""YAML text as plain data that remembers where each value was written."""

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from vmfailover.files.text import one_line
from vmfailover.scenario.errors import KeyPath, NoSuchKeyError, Problem, ScenarioError, dotted, shown

_DEEPEST = 20
_MOST_EVENTS = 20_000
_MOST_PROBLEMS = 50
_TYPES = {f"tag:yaml.org,2002:{name}": name for name in ("null", "bool", "int", "float")}


@dataclass(frozen=True)
class Document:
    """Plain data, and the places of its values and of its keys."""

    name: str
    data: Any
    places: dict[KeyPath, str]
    key_places: dict[KeyPath, str]

    def error(self, *problems: Problem) -> ScenarioError:
        """Return an error with a line for each problem, or for the first ones of very many."""
        lines = list(dict.fromkeys(self._line(problem) for problem in problems))
        rest = [f"{self.name}: {len(lines) - _MOST_PROBLEMS} more problems"] if len(lines) > _MOST_PROBLEMS else []
        kind = NoSuchKeyError if any(problem.no_such_key for problem in problems) else ScenarioError
        return kind("\n".join(lines[:_MOST_PROBLEMS] + rest))

    def replaced(self, path: KeyPath, value: Any, place: str) -> "Document":
        """Return a document with `value`, from `place`, at `path`; raise ScenarioError if that cannot be."""
        copy = Document(
            self.name,
            deepcopy(self.data),
            {known: at for known, at in self.places.items() if known[: len(path)] != path} | {path: place},
            {known: at for known, at in self.key_places.items() if known[: len(path)] != path},
        )
        if problem := _put(copy.data, path, value):
            raise copy.error(problem)
        return copy

    def without(self, section: KeyPath, keys: Collection[str]) -> "Document":
        """Return a document without some keys of the mapping at `section`, which is there."""
        gone = {(*section, key) for key in keys}

        def kept(places: dict[KeyPath, str]) -> dict[KeyPath, str]:
            return {path: at for path, at in places.items() if path[: len(section) + 1] not in gone}

        copy = Document(self.name, deepcopy(self.data), kept(self.places), kept(self.key_places))
        mapping = copy.at(section)
        for key in keys:
            del mapping[key]
        return copy

    def at(self, path: KeyPath) -> Any:
        """Return the value at a path, None if there is none."""
        value = self.data
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _line(self, problem: Problem) -> str:
        key = dotted(problem.path)
        place = self._place(problem)
        parts = [place, problem.message] if not key or place.endswith(f" {key}") else [place, key, problem.message]
        return one_line(": ".join(parts))

    def _place(self, problem: Problem) -> str:
        if problem.on_key and problem.path in self.key_places:
            return self.key_places[problem.path]
        below = (at for path, at in self.places.items() if path[: len(problem.path)] == problem.path)
        if problem.path and (place := next(below, None)):
            return place
        prefixes = (problem.path[:length] for length in range(len(problem.path), -1, -1))
        return next((self.places[prefix] for prefix in prefixes if prefix in self.places), self.name)


def parse(text: str, name: str) -> Document:
    """Return the one YAML 1.2 document in `text`; raise ScenarioError, which calls the text `name`, if there is none.

    Anchors, aliases, tags and deep nesting are refused: a scenario needs none of them, and they can hide very much data
    in very little text.
    """
    try:
        _refuse_excess(text, name)
        hosted = _yaml().compose(text)
    except ScenarioError:
        raise
    except MarkedYAMLError as error:
        raise _failed(name, error.problem_mark or error.context_mark, str(error.problem or error.context)) from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise _failed(name, None, str(error).partition("\n")[0]) from None
    return _Reader(name).document(hosted)


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _refuse_excess(text: str, name: str) -> None:
    depth = documents = 0
    for count, event in enumerate(_yaml().parse(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        documents += isinstance(event, DocumentStartEvent)
        if complaint := _complaint(event) or _excess(depth, documents, count):
            raise _failed(name, event.start_mark, complaint)


def _complaint(event: Event) -> str:
    if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
        return "anchors (&) and aliases (*) are not supported; write the value out"
    if getattr(event, "tag", None) is not None:
        return "tags (!) are not supported; write the value alone"
    if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
        return "directives (%) are not supported; scenarios are YAML 1.2"
    return ""


def _excess(depth: int, documents: int, events: int) -> str:
    if depth > _DEEPEST:
        return f"is nested more than {_DEEPEST} deep, which no scenario is"
    if documents > 1:
        return "holds more than one document ('---'); write one scenario a file"
    return f"holds more than {_MOST_EVENTS} values, which no scenario does" if events > _MOST_EVENTS else ""


def _failed(name: str, mark: StreamMark | None, message: str) -> ScenarioError:
    place = _at(name, mark) if mark is not None else name
    return ScenarioError(one_line(f"{place}: {message}"))


def _at(name: str, mark: StreamMark) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}"


class _Reader:
    """Turns YAML nodes into plain data, taking down their places."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._places: dict[KeyPath, str] = {}
        self._key_places: dict[KeyPath, str] = {}
        self._constructor = _yaml().constructor

    def document(self, hosted: Node | None) -> Document:
        data = None if hosted is None else self._value(hosted, ())
        return Document(self._name, data, self._places, self._key_places)

    def _value(self, hosted: Node, path: KeyPath) -> Any:
        self._places[path] = _at(self._name, hosted.start_mark)
        if isinstance(hosted, ScalarNode):
            self._join_surrogates(hosted)
        if isinstance(hosted, MappingNode):
            return dict(self._entries(hosted, path))
        if isinstance(hosted, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(hosted.value)]
        return self._scalar(hosted)

    def _entries(self, hosted: MappingNode, path: KeyPath) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in hosted.value:
            if not isinstance(key, ScalarNode):
                raise _failed(self._name, key.start_mark, "a key must be a word, not a list or a mapping")
            self._join_surrogates(key)
            if key.value in seen:
                raise _failed(self._name, key.start_mark, f"{dotted((*path, key.value))}: this key is there twice")
            seen.add(key.value)
            yield key.value, self._entry(key, value, (*path, key.value))

    def _entry(self, key: ScalarNode, value: Node, path: KeyPath) -> Any:
        """Return the value of a key; one that is empty stands where the key does."""
        data = self._value(value, path)
        self._key_places[path] = _at(self._name, key.start_mark)
        if value.start_mark.index == value.end_mark.index:
            self._places[path] = self._key_places[path]
        return data

    def _join_surrogates(self, hosted: ScalarNode) -> None:
        """Make one character of each pair of surrogates, as JSON writes what is beyond U+FFFF; refuse a single one."""
        if any(_is_surrogate(letter) for letter in hosted.value):
            try:
                hosted.value = hosted.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                lone = "half of a surrogate pair, which is no character; write both, as in \\ud83d\\ude00"
                raise _failed(self._name, hosted.start_mark, f"{shown(hosted.value)} has {lone}") from None

    def _scalar(self, hosted: Node) -> Any:
        kind = _TYPES.get(hosted.tag or "")
        if kind is None:
            return hosted.value
        try:
            return getattr(self._constructor, f"construct_yaml_{kind}")(hosted)
        except (ValueError, OverflowError, IndexError):
            return hosted.value


def _is_surrogate(letter: str) -> bool:
    return "\ud800" <= letter <= "\udfff"


def _put(container: Any, path: KeyPath, value: Any) -> Problem | None:
    """Set the value at `path`, making the mappings and lists on the way; return what is in the way, if anything."""
    for depth, key in enumerate(path):
        step: str | int | None = _step(container, key)
        if step is None:
            return Problem(path, f"there is no {dotted(path[: depth + 1])}; {_extent(container)}")
        missing = value if depth == len(path) - 1 else [] if str(path[depth + 1]).isdecimal() else {}
        if depth == len(path) - 1 or _lacks(container, step):
            _assign(container, step, missing)
        container = container[step]
    return None


def _step(container: Any, key: str | int) -> str | int | None:
    if isinstance(container, dict):
        return str(key)
    if isinstance(container, list) and str(key).isdecimal() and len(str(key)) < 6 and int(key) <= len(container):
        return int(key)
    return None


def _lacks(container: Any, step: str | int) -> bool:
    """Return whether nothing, or only an explicit nothing, stands at a step."""
    if isinstance(container, list):
        return step == len(container)
    return container.get(step) is None


def _assign(container: Any, step: str | int, value: Any) -> None:
    if isinstance(container, list):
        container[int(step) : int(step) + 1] = [value]
    else:
        container[step] = value


def _extent(container: Any) -> str:
    if isinstance(container, list):
        return f"the list has a length of {len(container)}, and items count from 0"
    return f"{shown(container)} is neither a mapping nor a list"
