"""Poisson's law, drawn exactly from the random numbers of a key."""

from math import exp, floor, lgamma, log, sqrt

import numpy as np

from vmfailover.engine.compilation import compiled
from vmfailover.guest.workloads.generator import random_bits

__all__ = ["draw_poisson", "uniform"]

#: Up to this mean the law is inverted term by term.
_SMALL = 10.0
#: Beyond this no term of a small mean adds anything.
_MOST_TERMS = 200


@compiled
def uniform(key: np.uint64, counter: np.uint64) -> float:
    """A number above 0 and below 1, a function of key and counter."""
    return (float(random_bits(key, counter) >> np.uint64(12)) + 0.5) * 2.0**-52


@compiled
def draw_poisson(mean: float, key: np.uint64) -> int:
    """A number with Poisson's law of this mean (from 0 to some 10**9), a function of mean and key."""
    return _inverted(mean, uniform(key, np.uint64(0))) if mean < _SMALL else _rejected(mean, key)


@compiled
def _inverted(mean: float, chance: float) -> int:
    count, term = 0, exp(-mean)
    while chance > term and count < _MOST_TERMS:
        chance -= term
        count += 1
        term *= mean / count
    return count


@compiled
def _rejected(mean: float, key: np.uint64) -> int:
    """By transformed rejection: PTRS of Hörmann, Insurance: Mathematics and Economics 12 (1993), 39-45."""
    width = 0.931 + 2.53 * sqrt(mean)
    bend = -0.059 + 0.02483 * width
    scale = 1.1239 + 1.1328 / (width - 3.4)
    inner = 0.9277 - 3.6224 / (width - 2)
    counter = np.uint64(0)
    while True:
        place, chance = uniform(key, counter) - 0.5, uniform(key, counter + np.uint64(1))
        counter += np.uint64(2)
        edge = 0.5 - abs(place)
        count = floor((2 * bend / edge + width) * place + mean + 0.43)
        if edge >= 0.07 and chance <= inner:
            return int(count)
        if count < 0 or (edge < 0.013 and chance > edge):
            continue
        density = count * log(mean) - mean - lgamma(count + 1)
        if log(chance * scale / (bend / (edge * edge) + width)) <= density:
            return int(count)
