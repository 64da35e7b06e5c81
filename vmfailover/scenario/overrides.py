"""Other values for single keys: `replication.checkpoint_interval=2ms`."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from vmfailover.files.text import one_line
from vmfailover.scenario.document import Document, parse
from vmfailover.scenario.errors import KeyPath, NoSuchKeyError, ScenarioError, dotted
from vmfailover.scenario.keys import OPEN_MAPPINGS, known_keys, paths_of_leaf, section_at
from vmfailover.scenario.kinds import Section
from vmfailover.scenario.workload_file import FROM

#: What a text that overrides a key is called in messages, if not said otherwise.
OVERRIDE = "override"


def overridden(model: type[BaseModel], document: Document, key: str, value: Any, prefix: str = "") -> Document:
    """Return a document with `value` at `key`; text is read as YAML. Raise NoSuchKeyError if the key is ambiguous.

    Messages about the value begin with the document's name and `prefix`. Where another kind of a section is chosen,
    what belonged to the one before goes, and so it does where a workload is taken from a file.
    """
    path = path_of(model, key, f"{document.name}: {prefix}{key}")
    place = f"{document.name}: {prefix}{dotted(path)}"
    data = parse(value, place).data if isinstance(value, str) else value
    replaced = (document.replaced(FROM[:-1], {}, place) if path == FROM else document).replaced(path, data, place)
    section = section_at(model, path[:-1])
    if section is None or path[-1] != section.kinds.key:
        return replaced
    return only_of(section, path[:-1], replaced, [section.name_in(document.at(path[:-1]) or {})])


def only_of(section: type[Section], path: KeyPath, document: Document, others: Iterable[Any]) -> Document:
    """Return a document whose section at a path has no keys of other kinds, named `others`, that its own has not."""
    keys = document.at(path)
    kinds, name = section.kinds, section.name_in(keys)
    if name not in kinds:
        return document
    theirs = {key for other in others if other in kinds for key in kinds[other].model_fields}
    return document.without(path, keys.keys() & (theirs - kinds[name].model_fields.keys()))


def assigned(model: type[BaseModel], document: Document, assignment: str, called: str) -> Document:
    """Return a document changed by a text KEY=VALUE; messages about it say what it is `called`."""
    key, equals, value = assignment.partition("=")
    if not equals or not key.strip():
        message = f"{called} {assignment}: write KEY=VALUE, for example replication.checkpoint_interval=2ms"
        raise ScenarioError(one_line(f"{document.name}: {message}"))
    return overridden(model, document, key.strip(), value, prefix=f"{called} ")


def path_of(model: type[BaseModel], key: str, place: str) -> KeyPath:
    """Return the path of a key, dotted or a last part that is in one place only; raise NoSuchKeyError if in several."""
    first, dot, rest = key.partition(".")
    if dot and first in OPEN_MAPPINGS:
        return first, rest
    if dot or (key,) in known_keys(model):
        return tuple(int(part) if part.isdecimal() and len(part) < 6 else part for part in key.split("."))
    places = paths_of_leaf(model, key)
    if len(places) > 1:
        names = ", ".join(map(dotted, places))
        raise NoSuchKeyError(one_line(f"{place}: is in more than one place; write one of {names}"))
    return places[0] if places else (key,)
