"""Scenarios that a baseline has and that a check does not: left out, or not there any more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import realpath
from pathlib import Path

from vmfailover.scenario import Scenario
from vmfailover.studies.baseline import Entry


@dataclass(frozen=True, slots=True)
class Vanished:
    """A scenario of a baseline that can no longer be checked under its name."""

    name: str
    #: The file that it came from.
    path: str
    #: What the scenario in that file is called now; None if there is no such file.
    now: str | None


def vanished(baseline: Mapping[str, Entry], scenarios: Sequence[Scenario]) -> Iterator[Vanished]:
    """Yield the scenarios of a baseline that have gone: their file is not there, or has another scenario.

    One whose file is there but was not given is only left out, as when one of many is checked; so is one that came from
    no file.
    """
    names = {scenario.name for scenario in scenarios}
    given = {realpath(scenario.path): scenario.name for scenario in scenarios if scenario.path is not None}
    for name, entry in baseline.items():
        if name in names or entry.path is None:
            continue
        now = given.get(realpath(entry.path))
        if now is not None or not _is_there(entry.path):
            yield Vanished(name, str(entry.path), now)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
