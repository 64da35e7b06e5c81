"""What the commands share: options, and how they speak."""

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmfailover.errors import InputError, ParameterError
from vmfailover.files.text import one_line, without_commands

if TYPE_CHECKING:
    from vmfailover.scenario import Scenario

#: Exit code for wrong usage or a bad input file.
BAD_INPUT = 2
#: Exit code after the user has interrupted a command: 128 + SIGINT.
INTERRUPTED = 130


class _FilePath(click.Path):
    """The path of a file or a folder: any text that can be one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; refuse, as wrong usage, what the operating system cannot take for one."""
        try:
            possible = bool(value) and b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            possible = False
        if not possible:
            self.fail(f"{value!r} is not the name of a file", param, ctx)
        return super().convert(value, param, ctx)


class Quantity(click.ParamType[Any]):
    """A number with a unit, as in scenarios."""

    name = "quantity"

    def __init__(self, measure: str) -> None:
        self._measure = measure

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number in the measure's own unit; refuse, as wrong usage, what is none."""
        from vmfailover.scenario import units

        try:
            return getattr(units, self._measure).read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


#: The type of every argument and option that names a file or a folder.
PATH = _FilePath(path_type=Path)

scenario_arguments = click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True, type=PATH)

#: What overrides a key of a scenario.
SET = "--set"

set_option = click.option(
    SET,
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a key of the scenario, as in replication.checkpoint_interval=2ms or failures.0.at=7ms. Repeatable.",
)

seed_option = click.option("--seed", type=click.IntRange(min=0), help="Override the seed of the scenario.")


def _log(context: click.Context, parameter: click.Parameter, level: str | None) -> None:
    """Let the model say on stderr what happens, for as long as the command runs."""
    del parameter
    if level is None:
        return
    logger, handler = logging.getLogger("vmfailover"), logging.StreamHandler()
    context.call_on_close(partial(logger.setLevel, logger.level))
    context.call_on_close(partial(logger.removeHandler, handler))
    logger.addHandler(handler)
    logger.setLevel(level.upper())


log_level_option = click.option(
    "--log-level",
    type=click.Choice(("info", "debug")),
    expose_value=False,
    callback=_log,
    help="Say on stderr what becomes of hosts and VM, with the simulated time; debug: of each epoch too.",
)


def with_seed(overrides: Sequence[str], seed: int | None) -> Sequence[str]:
    """Return what is given with `--set` and, if it is, with `--seed`."""
    return overrides if seed is None else (*overrides, f"seed={seed}")


def scenario_in(path: Path, overrides: Sequence[str], seed: int | None = None) -> "Scenario":
    """Return the scenario in a file with what is given with `--set` and `--seed`; raise ScenarioError if it is none."""
    from vmfailover.scenario import load

    return load(path, with_seed(overrides, seed), called=SET)


#: Options that are not called as the parameters of the functions that they are given to.
_OPTIONS = {
    "address": "--dask",
    "clock_hz": "--clock",
    "count": "--points",
    "keys": "-p",
    "limits": "--fail-on",
    "mapping": "--map",
    "memory_bytes": "--memory",
    "page_bytes": "--page",
    "write_baseline": "--update-baseline",
}


def option_of(field: str) -> str:
    """Return the option that gives a parameter of a function."""
    return _OPTIONS.get(field, f"--{field.replace('_', '-')}")


def told(error: InputError) -> str:
    """Return the text of an error as a user of the command line reads it."""
    return error.told(option_of) if isinstance(error, ParameterError) else str(error)


def tell(text: str) -> None:
    """Print a line on stdout, whatever is in the names that it has."""
    click.echo(without_commands(one_line(text)))


def complain(text: str) -> None:
    """Print the lines of an error on stderr, each beginning with a file or with `error: `."""
    for line in text.splitlines():
        beginning = "" if _names_file(line) else "error: "
        click.echo(without_commands(beginning + one_line(line)), err=True)


def tell_interrupted(text: str) -> int:
    """Say in a line on stderr what an interrupted command has done, and how it goes on; return its exit code."""
    click.echo(f"interrupted: {one_line(text)}", err=True)
    return INTERRUPTED


def _names_file(line: str) -> bool:
    """Whether a line begins with the file that it is about, or with `error: ` already."""
    if line.startswith("error: "):
        return True
    name, colon, _ = line.partition(":")
    return bool(name and colon) and not name.startswith("-") and (bool(Path(name).suffix) or os.path.exists(name))


#: Rates at which a guest modifies memory, each with its window.
dirty_rate_option = click.option(
    "--dirty-rate",
    "dirty_rates",
    metavar="RATE over TIME",
    multiple=True,
    help="Pages modified in a window, as in '80MB/s over 10ms'; over 1 s if no time is given. Repeatable.",
)
