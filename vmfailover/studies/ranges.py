"""A range of values of one key: `replication.checkpoint_interval=1ms:100ms:log`."""

import math
import re
from dataclasses import dataclass
from typing import Self

from vmfailover.errors import InputError
from vmfailover.scenario.errors import shown
from vmfailover.scenario.units import (
    BANDWIDTH,
    BYTE_RATE,
    CYCLES,
    DURATION,
    FRACTION,
    FREQUENCY,
    LIFETIME,
    RATE,
    SIZE,
    Measure,
)

_MEASURES = (DURATION, LIFETIME, SIZE, BANDWIDTH, BYTE_RATE, FREQUENCY, RATE, FRACTION, CYCLES)
_NUMBER = re.compile(r"\d+|\d*\.\d+(?:[eE][+-]?\d+)?|\d+(?:\.\d*)?[eE][+-]?\d+")


@dataclass(frozen=True, slots=True)
class Range:
    """All values between two, as positions from 0 to 1."""

    key: str
    #: In base units.
    low: float
    high: float
    #: Whether equal steps are equal factors.
    log: bool
    #: What the values are; None for a plain number.
    measure: Measure | None
    #: Whether they are whole numbers of the base unit.
    whole: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the range that KEY=LO:HI or KEY=LO:HI:log says; raise InputError if it says none."""
        key, _, values = text.partition("=")
        parts = [part.strip() for part in values.split(":")]
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("log", "linear")):
            raise InputError(f"{text}: write KEY=LO:HI or KEY=LO:HI:log, for example link.bandwidth=1Gbit/s:40Gbit/s")
        measure, whole = _kind(text, parts[0], parts[1])
        low, high = (_base_units(text, part, measure) for part in parts[:2])
        if low >= high:
            raise InputError(f"{text}: the first value has to be the smaller one")
        log = parts[-1] == "log"
        if log and low <= 0:
            raise InputError(f"{text}: a logarithmic range has to begin above 0")
        return cls(key.strip(), low, high, log, measure, whole)

    def at(self, position: float) -> str:
        """Return the value at a position from 0, the lowest, to 1, the highest, as a scenario has it."""
        value = self.number_at(position)
        if self.measure is None:
            return str(round(value)) if self.whole else repr(value)
        return self.measure.format(round(value) if self.whole else value)

    def number_at(self, position: float) -> float:
        """Return the value at a position, in base units, but for the ends rounded to four digits."""
        if position in (0, 1):
            return self.high if position else self.low
        if self.log:
            exact = self.low * (self.high / self.low) ** position
        else:
            exact = self.low + (self.high - self.low) * position
        return min(self.high, max(self.low, float(f"{exact:.4g}")))


def _base_units(text: str, part: str, measure: Measure | None) -> float:
    """Return one end of a range as a number; raise InputError if there is no such quantity."""
    try:
        number = float(measure.read(part) if measure else part)
    except ValueError as error:
        raise InputError(f"{text}: {error}") from None
    if not math.isfinite(number):
        raise InputError(f"{text}: {shown(part)} is too large a number")
    return number


def _kind(text: str, low: str, high: str) -> tuple[Measure | None, bool]:
    """Return what two values are a measure of, and whether it comes in whole numbers."""
    if _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high):
        return None, low.isdecimal() and high.isdecimal()
    for measure in _MEASURES:
        if re.match(measure.pattern, low) and re.match(measure.pattern, high):
            return measure, measure.whole
    raise InputError(f"{text}: {low!r} and {high!r} are not two quantities of one kind; write for example 1ms:100ms")
