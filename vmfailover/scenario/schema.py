"""The JSON Schema of scenario files, for editors."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from vmfailover.records.metric_names import METRICS
from vmfailover.scenario.keys import known_keys, section_at
from vmfailover.scenario.kinds import Section
from vmfailover.scenario.scenario import Scenario
from vmfailover.scenario.workload_file import FROM_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario as a YAML file has it: quantities are text with a unit."""
    schema = {"$schema": DIALECT, **Scenario.model_json_schema()}
    for section in _sections(Scenario):
        _add_kinds(schema, section)
    schema["properties"]["workload"]["anyOf"].append(FROM_SCHEMA)
    schema["properties"]["expect"] |= {"properties": _expectations(), "additionalProperties": False}
    return schema


def _sections(model: type[BaseModel]) -> Iterator[type[Section]]:
    """Yield the classes of sections of which there are several kinds."""
    found = (section_at(model, path) for path in known_keys(model))
    yield from dict.fromkeys(section for section in found if section is not None)


def _add_kinds(schema: dict[str, Any], section: type[Section]) -> None:
    """Describe all kinds of a section, whose common keys, if it has some, are described already."""
    kinds = {kind.__name__: kind.model_json_schema() for kind in section.kinds.values()}
    for each in kinds.values():
        schema["$defs"].update(each.pop("$defs", {}))
    if section.kinds.key in section.model_fields:
        _add_keys(schema["$defs"][section.__name__]["properties"], section, kinds.values())
    else:
        _offer(schema, section, kinds)


def _add_keys(described: dict[str, Any], section: type[Section], kinds: Iterable[dict[str, Any]]) -> None:
    """Add to the common keys of a section those of all its kinds, since a comparison takes those of several."""
    described[section.kinds.key]["enum"] = list(section.kinds)
    for kind in kinds:
        described.update({name: part for name, part in kind["properties"].items() if name not in described})


def _offer(schema: dict[str, Any], section: type[Section], kinds: dict[str, dict[str, Any]]) -> None:
    """Let a section be of one kind or another, where they have no key in common."""
    del schema["$defs"][section.__name__]
    schema["$defs"].update(kinds)
    for part in schema["properties"].values():
        if part.get("$ref") == f"#/$defs/{section.__name__}":
            del part["$ref"]
            part["anyOf"] = [{"$ref": f"#/$defs/{name}"} for name in kinds]


def _expectations() -> dict[str, dict[str, str]]:
    names = {name: text for full, text in METRICS.items() for name in (full, full.removesuffix("_ns"))}
    return {name: {"type": "string", "description": text} for name, text in names.items()}
