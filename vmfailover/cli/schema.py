"""`vmfailover schema`: print the JSON Schema of a scenario."""

import json

import click

from vmfailover.scenario.schema import json_schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of a scenario, for completion and checks in editors."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
