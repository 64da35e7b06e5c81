"""`vmfailover explain`: the arithmetic of a scenario, without a run."""

from pathlib import Path

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, scenario_in, set_option


@click.command("explain")
@click.argument("scenario", type=PATH)
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print the terms as JSON.")
def command(scenario: Path, overrides: tuple[str, ...], *, as_json: bool) -> None:
    """Say which timers of SCENARIO a failover adds up to, what an epoch takes, and what is lost; nothing is run.

    Bounds are of a crash while nothing else goes wrong. What the run then takes longer for, its stages tell.
    """
    from vmfailover.studies.explanation import explain

    found = explain(scenario_in(scenario, overrides))
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.explanation_table import print_explanation

    print_explanation(found, console())
