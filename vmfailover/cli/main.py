"""The command `vmfailover`: finds the module of a subcommand, and imports it only to run it."""

import os
import re
import sys
from importlib import import_module
from io import TextIOWrapper

import click

from vmfailover.cli.boundary import error_boundary
from vmfailover.version import version

#: Each command with its line in the list of commands; the command itself is `command` in the module of its name.
COMMANDS = {
    "run": "Run scenarios and print a summary.",
    "compare": "Compare protocols, or scenarios, side by side.",
    "sweep": "Vary keys of a scenario, and keep every point.",
    "sensitivity": "Rank keys by how much they move a metric.",
    "tune": "Find the values of keys that meet an objective.",
    "check": "Gate a continuous integration: expectations and regressions.",
    "explore": "Let a fault strike at every instant that matters.",
    "migrate": "Foretell a live migration, and what would mend it.",
    "availability": "Let hosts fail and be repaired for many years.",
    "explain": "Add up the timers of a scenario, without a run.",
    "validate": "Check scenario files without running them.",
    "schema": "Print the JSON Schema of a scenario, for editors.",
    "presets": "List presets with their numbers and sources.",
    "init": "Write a commented scenario to start from.",
    "report": "Write an HTML page about a saved run, comparison or sweep.",
    "trace": "Record memory-access traces, convert them, and look into them.",
    "bench": "Measure the speed of the simulator on this machine.",
}

#: A terminal with fewer columns than this is none.
LEAST_COLUMNS = 20


class _LazyGroup(click.Group):
    """A group whose help needs none of its commands' modules, since those import heavy packages."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"vmfailover.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a character that the terminal does not have is no error
        _forget_a_width_of_nothing()
        with error_boundary():
            return super().invoke(ctx)


def _forget_a_width_of_nothing() -> None:
    """Let tables be as wide as usual where the environment says that a terminal has next to no columns, or nonsense."""
    columns = os.environ.get("COLUMNS", "")
    if columns and not (re.fullmatch("[0-9]{1,5}", columns) and int(columns) >= LEAST_COLUMNS):
        del os.environ["COLUMNS"]


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"vmfailover {version()}")
        context.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def main() -> None:
    """Simulate the failover of virtual machines, from cache lines to clients.

    Begin with `vmfailover init FILE` and `vmfailover run FILE`.
    """
