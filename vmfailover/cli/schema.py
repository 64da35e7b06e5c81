"""`vmfailover schema`: print the JSON Schema of a scenario, or what metrics and events mean."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from vmfailover.records.events import Kind
from vmfailover.records.metric_names import DEFINITIONS
from vmfailover.scenario.schema import json_schema

_PRINTED: dict[str, Callable[[], dict[str, Any]]] = {
    "scenario": json_schema,
    "metrics": lambda: {name: asdict(metric) for name, metric in DEFINITIONS.items()},
    "events": lambda: {kind: kind.meaning for kind in Kind},
}


@click.command("schema")
@click.option("what", "--scenario", flag_value="scenario", default=True, hidden=True)
@click.option("what", "--metrics", flag_value="metrics", help="Print the definition of every metric instead.")
@click.option("what", "--events", flag_value="events", help="Print what every kind of event means instead.")
def command(what: str) -> None:
    """Print the JSON Schema (draft 2020-12) of a scenario, for completion and checks in editors.

    With --metrics: of each metric what it says, from when to when and over which population it is taken, and when it
    has no value. With --events: of each kind of event that a run can write down, which definitions of metrics refer to,
    what it says.
    """
    click.echo(json.dumps(_PRINTED[what](), indent=2, ensure_ascii=False))
