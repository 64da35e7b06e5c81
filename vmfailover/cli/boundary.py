"""Where errors end: every one of the user's becomes a line on stderr and an exit code."""

import os
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress

import click

from vmfailover.cli.options import BAD_INPUT, INTERRUPTED, complain, told
from vmfailover.engine.interruption import Terminations
from vmfailover.errors import InputError, NoProgressError, reason_of

#: Exit code after SIGTERM: 128 + its number.
TERMINATED = 143
#: Exit code where what is printed is read by nobody any more: 128 + the number of SIGPIPE.
NOBODY_READS = 141
#: Set to anything, it lets a defect of the simulator show where it is.
TRACEBACK = "VMFAILOVER_TRACEBACK"


@contextmanager
def error_boundary() -> Iterator[None]:
    """Turn what goes wrong in a command into lines on stderr and exit code 2, and an interruption into 130 or 143.

    A reader of stdout that has gone away, such as `head`, leads to 141, which says nothing of the result.

    SIGTERM acts as Ctrl-C does. A defect of the simulator is told as such, in a line; its traceback is raised where the
    environment has `VMFAILOVER_TRACEBACK`.
    """
    with Terminations() as terminations:
        try:
            with _lines():
                yield
        except click.exceptions.Exit as leaving:
            if leaving.exit_code == INTERRUPTED and terminations.noted:
                raise click.exceptions.Exit(TERMINATED) from None
            raise


@contextmanager
def _lines() -> Iterator[None]:
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        _forget_what_is_unread()
        raise click.exceptions.Exit(NOBODY_READS) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Exception as error:
        if os.environ.get(TRACEBACK) and not isinstance(error, InputError):
            raise
        complain(_told(error))
        raise click.exceptions.Exit(BAD_INPUT) from None


def _forget_what_is_unread() -> None:
    """Let what is still to be written at the interpreter's end go nowhere, where it cannot fail."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: Exception) -> str:
    """Return what the user should read of an error."""
    if isinstance(error, InputError):
        return told(error)
    if isinstance(error, OSError):
        return f"error: {error.filename or 'cannot continue'}: {reason_of(error)}"
    if isinstance(error, MemoryError):
        return "there is not enough memory; make vm.memory or the trace's memory_bytes smaller"
    if isinstance(error, NoProgressError):
        return f"error: {error}; this is a defect of the simulator: please report it with the scenario and its seed"
    if isinstance(error, BrokenExecutor):
        return "a process that ran a part of this was ended again and again; is there enough memory? try fewer --jobs"
    if isinstance(error, UnicodeEncodeError):
        return "the name of a file or folder is not UTF-8, and cannot be written down; rename it"
    return f"{type(error).__name__}: {error} ({_place(error)}); {_DEFECT}"


_DEFECT = f"a defect of vmfailover, not of what it was given; {TRACEBACK}=1 shows where"


def _place(error: Exception) -> str:
    """Return where an error was raised, as the name of a file and the number of a line."""
    frames = traceback.extract_tb(error.__traceback__)
    package = os.path.dirname(os.path.dirname(__file__))
    own = [frame for frame in frames if frame.filename.startswith(package) and frame.filename != __file__]
    last = (own or frames)[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno}"
