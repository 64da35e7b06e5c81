"""The points of a sweep: which values of which keys are tried together."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Literal

from vmfailover.engine.streams import generator
from vmfailover.errors import ParameterError
from vmfailover.studies.ranges import Range

#: Points of a study, at most.
MOST_POINTS = 100_000
#: Characters of values that a message shows, at most.
LONGEST = 60
#: The value of each key, as text in the notation of scenario files.
Point = dict[str, str]
#: How values are combined: each with each, the n-th of each key, or a latin hypercube.
Kind = Literal["grid", "zip", "latin-hypercube"]
#: What a key may have: some values, `LO:HI:N[:log]`, or for a latin hypercube `LO:HI[:log]`.
Values = str | Sequence[object]


def points(keys: Mapping[str, Values], kind: Kind = "grid", count: int | None = None, seed: int = 0) -> list[Point]:
    """Return the points of a design; `count` is that of a latin hypercube, drawn by `seed`.

    Raises InputError where keys and design do not fit together.
    """
    if not keys:
        raise ParameterError("keys", "give at least one KEY=VALUES to vary")
    if kind == "latin-hypercube":
        return _latin_hypercube(keys, count, seed)
    if count is not None:
        raise ParameterError(
            "count", "belongs to a latin hypercube; the other designs have as many as their values make"
        )
    values = {key: list(_spaced(key, each)) for key, each in keys.items()}
    if kind == "grid":
        require_few(math.prod(len(each) for each in values.values()), "keys", ", ".join(values))
    if kind == "zip":
        lengths = {key: len(each) for key, each in values.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            raise ParameterError("keys", f"zip needs equally many values of each key; {told}")
        return [dict(zip(values, combination, strict=True)) for combination in zip(*values.values(), strict=True)]
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def require_few(number: int, field: str, given: object) -> None:
    """Raise ParameterError, naming the parameter that asks for them, if these are more points than anybody runs."""
    if number > MOST_POINTS:
        raise ParameterError(
            field, f"makes {number} points; at most {MOST_POINTS} can be run at once, so write fewer", given=str(given)
        )


def _spaced(key: str, values: Values) -> Iterator[str]:
    if not isinstance(values, str):
        yield from map(str, values)
        return
    parts = values.split(":")
    if len(parts) < 3 or _is_one_value(values):
        yield from (part.strip() for part in _listed(values))
        return
    count = parts[2].strip()
    if not re.fullmatch(r"\d{1,18}", count, re.ASCII) or int(count) < 2:
        raise ParameterError(
            "keys",
            "write LO:HI:N[:log] with N of at least 2, for example 1ms:10ms:5:log",
            given=f"{key}={_short(values)}",
        )
    require_few(int(count), "keys", f"{key}={values}")
    spread = Range.parse(f"{key}={':'.join([*parts[:2], *parts[3:]])}")
    for number in range(int(count)):
        yield spread.at(number / (int(count) - 1))


def _short(values: str) -> str:
    """Return values as a message shows them."""
    return values if len(values) <= LONGEST else f"{values[:LONGEST]}…"


def _listed(values: str) -> list[str]:
    """Split at commas outside brackets and braces."""
    listed, depth = [""], 0
    for character in values:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            listed.append("")
        else:
            listed[-1] += character
    return listed


def _is_one_value(values: str) -> bool:
    """Whether colons are those of a mapping."""
    return "{" in values


def _latin_hypercube(keys: Mapping[str, Values], count: int | None, seed: int) -> list[Point]:
    if count is None:
        raise ParameterError("count", "a latin hypercube needs the number of its points")
    require_few(count, "count", count)
    from scipy.stats import qmc

    spreads = [Range.parse(f"{key}={values}") for key, values in keys.items() if isinstance(values, str)]
    if len(spreads) < len(keys):
        raise ParameterError("keys", "a latin hypercube needs a range LO:HI[:log] of each key")
    places = qmc.LatinHypercube(len(spreads), rng=generator(seed, "sweep.latin-hypercube")).random(count)
    return [
        {key: spread.at(float(place)) for key, spread, place in zip(keys, spreads, row, strict=True)} for row in places
    ]
