"""`vmfailover migrate`: will a live migration converge, how long will it take, and what does it cost?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmfailover.cli.console import console
from vmfailover.cli.options import PATH, Quantity, dirty_rate_option, scenario_in, set_option
from vmfailover.errors import InputError
from vmfailover.files.whole_file import require_file_writable, write_whole

if TYPE_CHECKING:
    from vmfailover.studies.migration import Migration

#: Exit code where the VM could not be stopped within the downtime limit.
NOT_CONVERGED = 1


@click.command("migrate")
@click.argument("scenario", metavar="[SCENARIO]", type=PATH, required=False)
@set_option
@click.option("--memory", metavar="SIZE", type=Quantity("SIZE"), help="Memory of the VM.")
@click.option(
    "--in-use", metavar="SIZE", type=Quantity("SIZE"), help="Memory in use; the rest is zero.  [default: all]"
)
@dirty_rate_option
@click.option("--workload", type=PATH, help="A file with hot sets, as `trace fit` writes it, in place of a dirty rate.")
@click.option("--bandwidth", metavar="RATE", type=Quantity("BANDWIDTH"), help="What the link has, as in 10Gbit/s.")
@click.option("--downtime-limit", metavar="TIME", help="For how long the VM may be stopped.  [default: 300 ms]")
@click.option(
    "--bandwidth-limit", metavar="RATE", help="What the rounds may take of the link; the stop takes all of it."
)
@click.option("--stream-bandwidth", metavar="RATE", help="What one channel can do.")
@click.option("--channels", type=click.IntRange(1, 1024), help="Channels side by side.  [default: 1]")
@click.option("--timeout", metavar="TIME", help="Give the migration up after this time.")
@click.option("--auto-converge", is_flag=True, default=None, help="Slow the guest down until it converges.")
@click.option(
    "--against",
    metavar="NAME=TIME",
    multiple=True,
    help="Hold the downtime against a timeout, as in vrrp=3s. Repeatable.",
)
@click.option("--save", type=PATH, help="Write the scenario that was run.")
@click.option("--figure", type=PATH, help="Draw the rounds, as .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics, the rounds and the other settings as JSON.")
@click.pass_context
def command(
    context: click.Context,
    /,
    scenario: Path | None,
    overrides: tuple[str, ...],
    against: tuple[str, ...],
    save: Path | None,
    figure: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Migrate a VM live, that of SCENARIO or one told by options, and say what other settings would make of it.

    Exits with 0 if the migration converges, with 1 if it does not or is given up, and with 2 for bad input.
    """
    from vmfailover.studies.migration import migrate

    for path, option in ((save, "--save"), (figure, "--figure")):
        if path is not None:
            require_file_writable(path, option)
    if scenario is None and overrides:
        raise click.UsageError("--set overrides keys of a SCENARIO: name one.")
    loaded = None if scenario is None else scenario_in(scenario, overrides)
    told = {name: value for name, value in given.items() if value is not None}
    found = migrate(loaded, against=dict(map(_timeout, against)), **told)
    _keep(found, save, figure)
    _print(found, as_json=as_json)
    context.exit(0 if found.converged else NOT_CONVERGED)


def _timeout(text: str) -> tuple[str, int]:
    from vmfailover.scenario.units import DURATION

    name, _, time = text.partition("=")
    try:
        return name, int(DURATION.read(time))
    except ValueError as error:
        raise InputError(f"--against {text}: {error}; write it as in vrrp=3s") from None


def _keep(found: "Migration", save: Path | None, figure: Path | None) -> None:
    if save is not None:
        from vmfailover.scenario.writing import as_written, yaml_of

        write_whole(save, yaml_of(as_written(found.scenario)))
    if figure is not None:
        try:
            found.plot.rounds().figure.savefig(figure)
        except ValueError as error:
            raise InputError(f"--figure {figure}: {error}") from None


def _print(found: "Migration", *, as_json: bool) -> None:
    if as_json:
        click.echo(found.to_json())
        return
    from vmfailover.report.migration_table import print_migration

    print_migration(found, console())
