"""Random choices that depend on a seed and on their own name, and on nothing else."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import gcd
from typing import TypeVar

from vmfailover.scenario.units import DURATION, SIZE

T = TypeVar("T")
_SMALL_PRIMES = 2 * 3 * 5 * 7 * 11 * 13


class Draws:
    """Choices by name: a choice more or less elsewhere leaves all others as they are."""

    def __init__(self, path: str) -> None:
        """Draw for whoever has this path, which holds the seed."""
        self._path = path

    def under(self, name: str) -> "Draws":
        """Return the draws of a part."""
        return Draws(f"{self._path}/{name}")

    def share(self, name: str) -> float:
        """Return a number in [0, 1)."""
        digest = blake2b(f"{self._path}/{name}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / (1 << 53)

    def chance(self, name: str, probability: float) -> bool:
        """Return true as often as said."""
        return self.share(name) < probability

    def pick(self, name: str, options: Sequence[T]) -> T:
        """Return one of the options, each as likely."""
        return options[int(self.share(name) * len(options))]

    def weighted(self, name: str, options: Mapping[T, float]) -> T:
        """Return one of the options, as likely as their weights say."""
        left = self.share(name) * sum(options.values())
        for option, weight in options.items():
            left -= weight
            if left < 0:
                return option
        return next(iter(options))

    def number(self, name: str, low: float, high: float) -> float:
        """Return a number between two, both above zero; each order of magnitude is as likely."""
        return float(f"{low * (high / low) ** self.share(name):.6g}")

    def whole(self, name: str, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`: a round one, one without small factors, an end, or any."""
        base = max(low, 1)
        drawn: int = round(base * (max(high, base) / base) ** self.share(name))
        style = self.weighted(f"{name}/style", {"low": 4, "high": 4, "round": 40, "odd": 25, "any": 27})
        chosen = {"low": low, "high": high, "round": _rounded(drawn), "odd": _without_small_factors(drawn)}
        return min(max(chosen.get(style, drawn), low), high)

    def time(self, name: str, low: float, high: float) -> str:
        """Return a duration between two in nanoseconds, as scenarios have it."""
        return DURATION.format(self.whole(name, int(low), max(int(low), int(high))))

    def size(self, name: str, low: int, high: int) -> str:
        """Return a size between two in bytes, as scenarios have it."""
        return SIZE.format(self.whole(name, low, max(low, high)))


def _rounded(number: int) -> int:
    scale: int = 10 ** (len(str(number)) - 1)
    return number // scale * scale


def _without_small_factors(number: int) -> int:
    while gcd(number, _SMALL_PRIMES) != 1:
        number += 1
    return number
