"""Times of a takeover that are left to chance."""

import numpy as np

from vmfailover.scenario.takeover import Spread


def drawn_ns(time: Spread, random: np.random.Generator) -> int:
    """Return how long it takes this time, nanoseconds."""
    if time.distribution == "uniform":
        return int(random.integers(time.mean - time.spread, time.mean + time.spread, endpoint=True))
    if time.distribution == "normal":
        return max(0, round(random.normal(time.mean, time.spread)))
    return time.mean
