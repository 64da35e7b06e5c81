"""The JSON Schema of scenario files, for editors."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from vmfailover.records.metric_names import METRICS
from vmfailover.scenario.keys import known_keys, section_at
from vmfailover.scenario.kinds import Section
from vmfailover.scenario.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario as a YAML file has it: quantities are text with a unit."""
    schema = {"$schema": DIALECT, **Scenario.model_json_schema()}
    for section in _sections(Scenario):
        _add_kinds(schema["$defs"], section)
    schema["properties"]["expect"] |= {"properties": _expectations(), "additionalProperties": False}
    return schema


def _sections(model: type[BaseModel]) -> Iterator[type[Section]]:
    """Yield the classes of sections of which there are several kinds."""
    found = (section_at(model, path) for path in known_keys(model))
    yield from dict.fromkeys(section for section in found if section is not None)


def _add_kinds(definitions: dict[str, Any], section: type[Section]) -> None:
    """Describe in a section all keys of all its kinds, since a comparison takes those of several."""
    described = definitions[section.__name__]["properties"]
    described[section.kinds.key]["enum"] = list(section.kinds)
    for kind in section.kinds.values():
        own = kind.model_json_schema()
        definitions.update(own.get("$defs", {}))
        described.update({name: part for name, part in own["properties"].items() if name not in described})


def _expectations() -> dict[str, dict[str, str]]:
    names = {name: text for full, text in METRICS.items() for name in (full, full.removesuffix("_ns"))}
    return {name: {"type": "string", "description": text} for name, text in names.items()}
