"""What the commands share: options, and what happens when the user's input is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vmfailover.errors import InputError
from vmfailover.progress_guard import NoProgressError

#: Exit code for wrong usage or a bad input file.
BAD_INPUT = 2
#: Exit code after the user has interrupted a command: 128 + SIGINT.
INTERRUPTED = 130

scenario_arguments = click.argument(
    "scenarios", metavar="SCENARIO...", nargs=-1, required=True, type=click.Path(path_type=Path)
)

set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a key of the scenario, as in replication.checkpoint_interval=2ms or failures.0.at=7ms. Repeatable.",
)

seed_option = click.option("--seed", type=click.IntRange(min=0), help="Override the seed of the scenario.")


@contextmanager
def error_boundary() -> Iterator[None]:
    """Turn errors of the user's input into lines on stderr and exit code 2, and an interrupt into exit code 130."""
    try:
        yield
    except InputError as error:
        complain(str(error))
        raise click.exceptions.Exit(BAD_INPUT) from None
    except NoProgressError as error:
        complain(f"error: {error}; this is a defect of the simulator: please report it with the scenario and its seed")
        raise click.exceptions.Exit(BAD_INPUT) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"error: {error.filename or 'cannot continue'}: {(error.strerror or str(error)).lower()}")
        raise click.exceptions.Exit(BAD_INPUT) from None
    except MemoryError:
        complain("there is not enough memory; make vm.memory or the trace's memory_bytes smaller")
        raise click.exceptions.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def complain(text: str) -> None:
    """Print the lines of an error on stderr, each beginning with a file or with `error: `."""
    for line in text.splitlines():
        click.echo(line if line.startswith("error: ") or _names_file(line) else f"error: {line}", err=True)


def tell_interrupted(text: str) -> int:
    """Say in a line on stderr what an interrupted command has done, and how it goes on; return its exit code."""
    click.echo(f"interrupted: {text}", err=True)
    return INTERRUPTED


def _names_file(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and (bool(Path(name).suffix) or Path(name).exists())
