"""The keys of a sweep on axes: their values in order, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from vmfailover.errors import InputError
from vmfailover.results.quantities import BIT_RATES, DURATIONS
from vmfailover.scenario.units import BANDWIDTH, DURATION, FRACTION, FREQUENCY, RATE, SIZE
from vmfailover.studies.sweep import Sweep

_MEASURES = (DURATION, SIZE, BANDWIDTH, FREQUENCY, RATE, FRACTION)
_SCALED = ((DURATION, DURATIONS), (BANDWIDTH, BIT_RATES))


@dataclass(frozen=True, slots=True)
class KeyAxis:
    """A key that varies, and its values."""

    key: str
    #: Each value once, as a scenario has it: in ascending order if all are numbers, otherwise as they came.
    texts: tuple[str, ...]
    #: The values in base units; None unless all are numbers.
    numbers: tuple[float, ...] | None

    @classmethod
    def of(cls, sweep: Sweep, key: str) -> Self:
        """Return a key of a sweep."""
        texts = list(dict.fromkeys(point[key] for point in sweep.texts))
        read = {text: number_in(text) for text in texts}
        numbers = {text: number for text, number in read.items() if number is not None}
        if len(numbers) < len(texts):
            return cls(key, tuple(texts), None)
        ordered = sorted(texts, key=numbers.__getitem__)
        return cls(key, tuple(ordered), tuple(numbers[text] for text in ordered))

    @property
    def labels(self) -> list[str]:
        """The values as people write them."""
        return [as_written(text) for text in self.texts]

    @property
    def places(self) -> list[float]:
        """Where the values are on an axis: their numbers, or one after the other."""
        return list(self.numbers) if self.numbers is not None else [float(at) for at in range(len(self.texts))]

    @property
    def logarithmic(self) -> bool:
        """Whether the values are closer to equal factors than to equal steps."""
        if self.numbers is None or len(self.numbers) < 3 or self.numbers[0] <= 0:
            return False
        return _unevenness(np.log(self.numbers)) < _unevenness(np.asarray(self.numbers))


def number_in(text: str) -> float | None:
    """Return what a text says in base units if it is a number or a quantity, None if it is neither."""
    for measure in _MEASURES:
        if re.match(measure.pattern, text):
            return float(measure.read(text))
    try:
        return float(text)
    except ValueError:
        return None


def as_written(text: str) -> str:
    """Return a value of a key as people write it: `154900 ns` as `154.9 µs`, others than times and rates as is."""
    for measure, units in _SCALED:
        if re.match(measure.pattern, text):
            value = float(measure.read(text))
            size, unit = next((pair for pair in units if value >= pair[0]), units[-1])
            return f"{value / size:.4g}{unit}"
    return text


def require_grid(sweep: Sweep, most: int, what: str) -> None:
    """Raise InputError unless at most so many keys vary, each of whose values is tried with each of the others'."""
    if len(sweep.keys) > most:
        others = {key: sweep.texts[0][key] for key in sweep.keys[most:]}
        raise InputError(
            f"{what}: shows {most} keys, and {len(sweep.keys)} vary: {', '.join(sweep.keys)}; "
            f"fix the others, for example .where({others})"
        )
    tried = {tuple(point[key] for key in sweep.keys) for point in sweep.texts}
    grid = set(product(*({point[key] for point in sweep.texts} for key in sweep.keys)))
    if tried != grid:
        raise InputError(
            f"{what}: needs each value of {' with each of '.join(sweep.keys)}, and {len(tried)} of {len(grid)} pairs "
            "were tried, as by a zip or a latin hypercube; use the design grid, or .pareto(), which takes any"
        )


def _unevenness(values: np.ndarray) -> float:
    steps = np.diff(values)
    return float(np.ptp(steps) / np.mean(steps))
