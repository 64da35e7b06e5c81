"""The JSON Schema of scenario files, for editors."""

from typing import Any

from vmfailover.records.metric_names import METRICS
from vmfailover.scenario.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario as a YAML file has it: quantities are text with a unit."""
    schema = {"$schema": DIALECT, **Scenario.model_json_schema()}
    schema["properties"]["expect"] |= {"properties": _expectations(), "additionalProperties": False}
    return schema


def _expectations() -> dict[str, dict[str, str]]:
    names = {name: text for full, text in METRICS.items() for name in (full, full.removesuffix("_ns"))}
    return {name: {"type": "string", "description": text} for name, text in names.items()}
