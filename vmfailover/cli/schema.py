"""`vmfailover schema`: print the JSON Schema of a scenario, or the definitions of the metrics."""

import json
from dataclasses import asdict

import click

from vmfailover.results.names import DEFINITIONS
from vmfailover.scenario.schema import json_schema


@click.command("schema")
@click.option("--metrics", is_flag=True, help="Print the definition of every metric instead.")
def command(metrics: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of a scenario, for completion and checks in editors.

    With --metrics: of each metric what it says, from when to when and over which population it is taken, and when it
    has no value.
    """
    found = {name: asdict(metric) for name, metric in DEFINITIONS.items()} if metrics else json_schema()
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
