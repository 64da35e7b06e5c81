"""The JSON Schema: its shape, and that it agrees with the models on quantities."""

import json
import re
from typing import Any

from vmfailover.scenario.schema import json_schema
from vmfailover.scenario.units import DURATION


def _subschemas(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in _subschemas(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for item in schema.values() for found in _subschemas(item))]


def test_is_json_of_the_right_dialect() -> None:
    assert json.loads(json.dumps(json_schema()))["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_names_what_is_required_and_refuses_the_rest() -> None:
    schema = json_schema()
    required = {"name", "duration", "hosts", "vm", "workload", "replication", "link"}
    assert set(schema["required"]) == required
    assert schema["additionalProperties"] is False


def test_references_lead_somewhere() -> None:
    schema = json_schema()
    references = {part["$ref"] for part in _subschemas(schema) if isinstance(part.get("$ref"), str)}
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= schema["$defs"].keys()


def test_every_property_is_described() -> None:
    schema = json_schema()
    models = [schema, *schema["$defs"].values()]
    properties = [(name, part) for model in models for name, part in model["properties"].items()]
    assert [name for name, part in properties if not {"description", "$ref"} & part.keys()] == []


def test_quantities_are_text_with_a_pattern_that_fits_their_examples_and_defaults() -> None:
    for part in _subschemas(json_schema()):
        if "pattern" in part:
            texts = [*part["examples"], *([part["default"]] if "default" in part else [])]
            assert all(re.search(part["pattern"], text) for text in texts)


def test_the_pattern_agrees_with_the_reader() -> None:
    pattern = json_schema()["properties"]["duration"]["pattern"]
    assert re.search(pattern, DURATION.example)
    assert not re.search(pattern, "5")


def test_a_host_may_leave_everything_to_its_preset() -> None:
    assert not {"required"} & json_schema()["$defs"]["HostSpec"].keys()


def test_none_is_offered_where_it_is_read() -> None:
    scan = json_schema()["$defs"]["Replication"]["properties"]["scan_interval"]
    assert {"const": "none"} in scan["anyOf"]


def test_metrics_are_offered() -> None:
    metrics = json_schema()["properties"]["expect"]["properties"]
    assert {"failover.latency", "failover.latency_ns", "guest.slowdown"} <= metrics.keys()
