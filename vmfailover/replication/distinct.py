"""Distinct numbers that come in parts, many of them again and again."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

#: Numbers that may be held beside twice the distinct ones before the parts are made one.
SPARE = 1 << 16


class DistinctNumbers:
    """Takes as much memory as there are distinct numbers, however often each is added."""

    def __init__(self) -> None:
        """Begin with none."""
        self._parts: list[npt.NDArray[np.int64]] = []
        self._held = 0
        self._distinct = 0

    def add(self, numbers: npt.NDArray[np.int64]) -> None:
        """Add a part, int64[n]."""
        if numbers.size == 0:
            return
        self._parts.append(numbers)
        self._held += numbers.size
        if len(self._parts) > 1 and self._held > 2 * self._distinct + SPARE:
            self._parts = [distinct(np.concatenate(self._parts))]
            self._held = self._parts[0].size
        if len(self._parts) == 1:
            self._distinct = self._held

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield all numbers in parts, int64[n] each; some may be in several parts."""
        return iter(self._parts)

    def clear(self) -> None:
        """Forget all numbers."""
        self._parts = []
        self._held = self._distinct = 0


def distinct(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return each of some numbers, none below 0, once, in order."""
    ordered = np.sort(numbers)
    is_first = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    found: npt.NDArray[np.int64] = ordered[is_first]
    return found
