"""From a scenario that breaks a law to a small one that does."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from vmfailover.scenario import Scenario
from vmfailover.scenario.units import DURATION

from .machines import Spec
from .scenarios import built, drawn
from .traces import FOLDER
from .trial import LIMIT_S, TOO_LONG, kind_of, tried

#: Time that minimising may take, seconds.
PATIENCE_S = 120.0
#: Processor time after which a run is too long while a scenario is made smaller that takes too long.
SHORT_LIMIT_S = 5.0
#: What a scenario cannot do without.
NEEDED = {("name",), ("duration",), ("hosts",), ("vm",), ("workload",), ("replication",), ("link",)}
#: Values that are as plain as can be, by the last part of their key; a law that is broken with them is easier to see.
PLAIN: Mapping[str, Any] = {
    "seed": 1,
    "vcpus": 1,
    "memory": "4 MiB",
    "working_set": "1 MiB",
    "bandwidth": "10 Gbit/s",
    "latency": "20 us",
    "preset": "power8",
}
Place = tuple[str | int, ...]
Breaks = Callable[[Scenario], bool]


def minimised(data: Mapping[str, Any], breaks: Breaks, patience_s: float) -> Spec:
    """Return a smaller scenario that still breaks what the one given does; it takes so long at most."""
    until = time.monotonic() + patience_s
    smallest = deepcopy(dict(data))
    improved = True
    while improved and time.monotonic() < until:
        improved = False
        for candidate in _smaller(smallest):
            if time.monotonic() >= until:
                break
            if _legal_and(breaks, candidate):
                smallest, improved = candidate, True
                break
    return smallest


def _legal_and(breaks: Breaks, candidate: Spec) -> bool:
    try:
        return breaks(built(candidate))
    except ValidationError:
        return False


def _smaller(data: Spec) -> Iterator[Spec]:
    """Yield scenarios that are smaller or plainer in one respect, the largest steps first."""
    places = sorted(_places(data), key=len)
    for place in places:
        if place not in NEEDED:
            yield _changed(data, place)
    duration = DURATION.read(data["duration"])
    for part in (2, 4 / 3):
        if duration > 1000:
            yield {**data, "duration": DURATION.format(int(duration / part))}
    for place in places:
        value = _value(data, place)
        plainer = PLAIN.get(str(place[-1]), value)
        if plainer != value and not isinstance(value, dict):
            yield _changed(data, place, plainer)
        rounded = _rounded(value)
        if rounded != value:
            yield _changed(data, place, rounded)


def _rounded(value: Any) -> Any:
    """Return a duration with one digit that counts, or what is no duration as it is."""
    try:
        number = int(DURATION.read(value))
    except ValueError:
        return value
    scale = 10 ** (len(str(number)) - 1)
    text = DURATION.format(number // scale * scale)
    return text if number % scale else value


def _places(data: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the place of everything in nested mappings and lists."""
    items: Any = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from _places(value, (*place, key))


def _value(data: Any, place: Place) -> Any:
    for key in place:
        data = data[key]
    return data


def _changed(data: Spec, place: Place, *value: Any) -> Spec:
    """Return a copy with another value in a place, or with nothing there."""
    copy = deepcopy(data)
    parent = _value(copy, place[:-1])
    if value:
        parent[place[-1]] = value[0]
    else:
        del parent[place[-1]]
    return copy


def breaking(law: str, text: str) -> Breaks:
    """Return what says whether a scenario breaks a law in the way that a text tells."""
    limit_s = SHORT_LIMIT_S if law == TOO_LONG else LIMIT_S
    broken = (law, kind_of(text))
    return lambda scenario: broken in [(name, kind_of(how)) for name, how in tried(scenario, limit_s).findings]


def write_smallest(seed: int, law: str, text: str, folder: Path) -> Path:
    """Write the smallest scenario found that breaks what the one of a number does, with its trace; return its file."""
    smallest = minimised(drawn(seed).data, breaking(law, text), PATIENCE_S)
    path = folder / f"{law.replace('_', '-')}-{seed}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    _write(smallest, [f"Seed {seed} breaks the law {law}: {text}", f"Right: {law.replace('_', ' ')}."], path)
    trace = smallest["workload"].get("trace")
    if trace is not None:
        (folder / trace).write_bytes((FOLDER / trace).read_bytes())
    return path


def _write(data: Spec, notes: Sequence[str], path: Path) -> None:
    yaml = YAML()
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"# {note}\n" for note in notes)
        yaml.dump(data, file)
