"""Every key that a scenario can have, found by walking the models."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vmfailover.scenario.errors import KeyPath
from vmfailover.scenario.kinds import Kinds, Section

#: Stands for any index in a path of `known_keys`.
ANY = "*"

#: Mappings whose keys are the user's, not ours; their keys may have dots.
OPEN_MAPPINGS = frozenset({"expect"})


def known_keys(model: type[BaseModel]) -> dict[KeyPath, tuple[FieldInfo, ...]]:
    """Return the path of each key of a model with its fields, more than one where models are alternatives."""
    return _known_keys(model, Kinds.changes)


def section_at(model: type[BaseModel], path: KeyPath) -> type[Section] | None:
    """Return the class of the section at a path, None if there are no several kinds of it."""
    place = path[:-1] if path and isinstance(path[-1], int) else path
    found = (part for field in fields_at(model, place) for _, part in _models(field.annotation))
    return next((part for part in found if issubclass(part, Section) and part.has_kinds()), None)


@cache
def _known_keys(model: type[BaseModel], changes: int) -> dict[KeyPath, tuple[FieldInfo, ...]]:
    """Return what `known_keys` does, after so many changes of what kinds there are."""
    del changes
    keys: dict[KeyPath, tuple[FieldInfo, ...]] = {}
    for path, field in _walk(model, ()):
        keys[path] = (*keys.get(path, ()), field)
    return keys


def children(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys that the mapping at `path` can have."""
    place = general(path)
    return [str(known[-1]) for known in known_keys(model) if known[:-1] == place]


def fields_at(model: type[BaseModel], path: KeyPath) -> tuple[FieldInfo, ...]:
    """Return the fields behind a path, none if it is unknown."""
    return known_keys(model).get(general(path), ())


def paths_of_leaf(model: type[BaseModel], leaf: str) -> list[KeyPath]:
    """Return the paths, outside lists, that end in a key."""
    return [path for path in known_keys(model) if path[-1] == leaf and ANY not in path]


def general(path: KeyPath) -> KeyPath:
    """Return a path with each index replaced by `ANY`."""
    return tuple(ANY if isinstance(key, int) else key for key in path)


def choices(annotation: Any) -> list[str]:
    """Return the words that an annotation allows, none if it is not about words."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in choices(part)]


def _walk(model: type[BaseModel], path: KeyPath) -> Iterator[tuple[KeyPath, FieldInfo]]:
    for name, field in _fields(model):
        yield (*path, name), field
        for tail, part in _models(field.annotation):
            yield from _walk(part, (*path, name, *tail))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the fields of a model; where it is a section, also those that its kinds add."""
    yield from model.model_fields.items()
    if issubclass(model, Section) and model.has_kinds():
        for kind in dict.fromkeys(model.kinds.values()):
            yield from ((name, field) for name, field in kind.model_fields.items() if name not in model.model_fields)


def _models(annotation: Any) -> Iterator[tuple[KeyPath, type[BaseModel]]]:
    """Yield the models in an annotation, each with the steps that lead to it: `ANY` for the items of a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation
    steps = (ANY,) if get_origin(annotation) is tuple else ()
    for part in get_args(annotation):
        for tail, model in _models(part):
            yield (*steps, *tail), model
