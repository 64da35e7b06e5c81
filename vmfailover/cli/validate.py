"""`vmfailover validate`: check scenario files without running them."""

from pathlib import Path

import click

from vmfailover.cli.options import BAD_INPUT, complain, scenario_arguments, scenario_in, set_option, tell
from vmfailover.scenario import ScenarioError


@click.command("validate")
@scenario_arguments
@set_option
@click.pass_context
def command(context: click.Context, scenarios: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Check scenario files without running them, and say of each what is wrong and where.

    What is legal and may still not be meant is a warning on stderr.
    """
    verdicts = [_is_good(path, overrides) for path in scenarios]
    if not all(verdicts):
        context.exit(BAD_INPUT)


def _is_good(path: Path, overrides: tuple[str, ...]) -> bool:
    try:
        scenario = scenario_in(path, overrides)
    except ScenarioError as error:
        complain(str(error))
        return False
    for warning in scenario.warnings:
        complain(f"{path}: warning: {warning}")
    tell(f"{path}: ok")
    return True
