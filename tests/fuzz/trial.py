"""One scenario on trial: it is run, within a limit, and the laws are held against what came of it."""

import re
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from vmfailover.scenario import Scenario
from vmfailover.simulation import Simulation

from .laws import broken
from .remains import REMAINS, remains
from .seen import Seen

#: Processor time that a run may take, seconds: a hundred times what is usual.
LIMIT_S = 20.0
#: Names under which a run is told that does not come to its end.
TOO_LONG, ERROR = "a_run_ends_in_time", "a_run_ends_without_an_error"


class TooLongError(BaseException):
    """A run takes too long; nothing in a run is to catch it."""


@dataclass(frozen=True)
class Trial:
    """What came of a scenario."""

    #: Broken laws, each with how.
    findings: tuple[tuple[str, str], ...]
    #: Of everything that the run says; empty if it did not come to its end.
    digest: str = ""
    #: Every metric that tells of the simulated machine.
    seen: Seen | None = None


def kind_of(text: str) -> str:
    """Return what ways of breaking a law have in common: their text up to its first number or colon."""
    return re.split(r"[:\d]", text)[0].strip()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLongError in what takes more processor time than this, again and again until it ends."""

    def stop(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise TooLongError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def tried(scenario: Scenario, limit_s: float = LIMIT_S) -> Trial:
    """Run a scenario and judge it; whatever happens in it is a finding."""
    try:
        with limited(limit_s):
            simulation = Simulation(scenario, samples=0)
            simulation.run(progress=_untold)
            seen = Seen.of(simulation.result())
    except TooLongError as error:
        return Trial(((TOO_LONG, str(error)),))
    except Exception as error:
        text = f"{type(error).__name__} at {_origin(error)}: {error}"
        return Trial(((ERROR, " ".join(text.split())[:300]),))
    left = ((REMAINS, text) for text in remains(simulation.cluster))
    return Trial((*broken(seen), *left), seen.digest, seen)


def _origin(error: BaseException) -> str:
    """Return the function in which an error arose, in whatever process of the simulation that was."""
    while error.__cause__ is not None:
        error = error.__cause__
    return traceback.extract_tb(error.__traceback__)[-1].name


def _untold(time_ns: int) -> Any:
    """Take notice of a run's progress, and tell nobody."""
    del time_ns
