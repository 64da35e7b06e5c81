"""Quantities: text with a unit outside, plain numbers in one base unit inside.

A scenario says `5 ms`; the simulator computes with 5000000, in nanoseconds. Each `Measure` knows the units of one kind
of quantity. The annotated types below it (`Duration`, `Size`, …) are what the scenario's models are made of: they read
text only, so that a number whose unit is in doubt never enters a model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Ratio
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema
from quantiphy import Quantity

from vmfailover.scenario.errors import shown

_NUMBER = r"[+-]?(?:\d{1,24}(?:\.\d{0,24})?|\.\d{1,24})(?:[eE][+-]?\d{1,2})?"


@dataclass(frozen=True)
class Measure:
    """One kind of quantity: its units, each with its size in the base unit, and its largest sensible value."""

    name: str
    scales: Mapping[str, Ratio]
    example: str
    maximum: str
    whole: bool = True
    bare: bool = False

    def read(self, value: object) -> int | float:
        """Return `value`, text such as `5 ms`, in the base unit; raise ValueError saying what would be right."""
        number = self._number(value)
        if number < 0:
            raise ValueError(f"{shown(value)} is negative")
        if number > self._convert(self.maximum):
            raise ValueError(f"{shown(value)} is beyond the limit of {self.maximum}")
        return self._plain(number, value)

    def format(self, value: int | float) -> str:
        """Return a short text that `read` turns into exactly `value`."""
        exact = Ratio(value)
        fitting = [unit for unit, scale in self.scales.items() if exact and (exact / scale).denominator == 1]
        unit = max(fitting or [self._base], key=self.scales.__getitem__)
        amount = exact / self.scales[unit]
        return f"{amount if amount.denominator == 1 else repr(float(amount))} {unit}"

    @property
    def pattern(self) -> str:
        """The regular expression that a value matches as a whole."""
        units = "|".join(re.escape(unit) for unit in self.scales)
        return rf"^\s*({_NUMBER})\s*({units})\s*$"

    @property
    def advice(self) -> str:
        """What to write instead of something that is not such a quantity."""
        units = ", ".join(self.scales)
        return f"write a number and a unit ({units}), for example '{self.example}'"

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of the quantity as a scenario file has it."""
        text = {"type": "string", "pattern": self.pattern, "examples": [self.example]}
        return {"anyOf": [text, {"type": "number", "minimum": 0, "maximum": 1}]} if self.bare else text

    @property
    def serializer(self) -> PlainSerializer:
        """What turns the number into text again where a model is dumped as JSON."""
        return PlainSerializer(self.format, return_type=str, when_used="json")

    @property
    def _base(self) -> str:
        return next(unit for unit, scale in self.scales.items() if scale == 1 or not self.whole)

    def _number(self, value: object) -> Ratio:
        if isinstance(value, str):
            return self._convert(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"expected a {self.name}: {self.advice}")
        if not self.bare:
            raise ValueError(f"{shown(value)} has no unit; give it one, for example '{self.example}'")
        return self._fraction(value)

    def _fraction(self, value: float) -> Ratio:
        if not 0 <= value <= 1:
            raise ValueError(f"{shown(value)} is not between 0 and 1; {self.advice}")
        return Ratio(value)

    def _convert(self, text: str) -> Ratio:
        match = re.match(self.pattern, text, re.ASCII)
        if match is None:
            raise ValueError(f"{shown(text)} is not a {self.name}; {self.advice}")
        return Ratio(match[1]) * self.scales[match[2]]

    def _plain(self, number: Ratio, value: object) -> int | float:
        if not self.whole:
            return float(number)
        if number.denominator != 1:
            raise ValueError(f"{shown(value)} is not a whole number of {self._base}")
        return number.numerator


def _scales(*units: str, per: int = 1) -> dict[str, Ratio]:
    """Return each unit's size, where `per` base units make one of what the unit is a multiple of."""
    sizes = {unit: float(Quantity(f"1 {unit}", binary=True)) * per for unit in units}
    return {unit: Ratio(size).limit_denominator(1) for unit, size in sizes.items()}


_NANOSECONDS = _scales("ns", "us", "µs", "μs", "ms", "s", per=10**9)
_BYTES = _scales("B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB")

DURATION = Measure(
    "duration", {**_NANOSECONDS, "min": Ratio(60 * 10**9), "h": Ratio(3600 * 10**9)}, example="5 ms", maximum="2 h"
)
#: Times between failures and of repairs, far beyond any simulated run.
LIFETIME = Measure("time", {**DURATION.scales, "d": Ratio(24 * 3600 * 10**9)}, example="1000 h", maximum="100000000 h")
SIZE = Measure("size", _BYTES, example="64 MiB", maximum="16 TiB")
BANDWIDTH = Measure(
    "bandwidth", _scales("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"), example="10 Gbit/s", maximum="100 Tbit/s"
)
BYTE_RATE = Measure(
    "byte rate", {f"{unit}/s": size for unit, size in _BYTES.items()}, example="90 GB/s", maximum="100 TB/s"
)
FREQUENCY = Measure("frequency", _scales("Hz", "kHz", "MHz", "GHz"), example="3.5 GHz", maximum="100 GHz")
RATE = Measure("rate", {"/s": Ratio(1)}, example="2000 /s", maximum="1000000000 /s", whole=False)
FRACTION = Measure("fraction", {"%": Ratio(1, 100)}, example="30 %", maximum="100 %", whole=False, bare=True)
SHARE = Measure("share", {"%": Ratio(1, 100)}, example="40 %", maximum="300 %", whole=False)
CYCLES = Measure(
    "number of cycles", {"cycles": Ratio(1), "cycle": Ratio(1)}, example="13 cycles", maximum="1000000 cycles"
)


def _above_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must be above zero")
    return value


def _none(value: object) -> object:
    return None if value == "none" else value


class _NoneText:
    """Reads the text `none` as nothing, and says so in the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_none, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler(schema)
        return {**described, "anyOf": [*described["anyOf"], {"const": "none"}]}


#: Validator for a field that may be switched off by the text `none`.
NoneText = _NoneText()


class Named:
    """Reads some words as the quantities that they stand for, and says so in the JSON Schema."""

    def __init__(self, measure: Measure, **quantities: str) -> None:
        """Let each word stand for a quantity; an underscore in it is written as a hyphen."""
        self._measure = measure
        self._quantities = {word.replace("_", "-"): quantity for word, quantity in quantities.items()}

    def _read(self, value: object) -> object:
        if isinstance(value, str) and value in self._quantities:
            return self._quantities[value]
        if isinstance(value, str) and not any(character.isdigit() for character in value):
            raise ValueError(f"{shown(value)} is none of {', '.join(self._quantities)}; or {self._measure.advice}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": [*self._quantities]}, handler(schema)]}


#: Validator for a quantity of which there must be some.
AboveZero = AfterValidator(_above_zero)

#: Simulated time in whole nanoseconds.
Duration = Annotated[int, BeforeValidator(DURATION.read), DURATION.serializer, WithJsonSchema(DURATION.json_schema)]
#: Bytes.
Size = Annotated[int, BeforeValidator(SIZE.read), SIZE.serializer, WithJsonSchema(SIZE.json_schema)]
#: Bits per second.
Bandwidth = Annotated[int, BeforeValidator(BANDWIDTH.read), BANDWIDTH.serializer, WithJsonSchema(BANDWIDTH.json_schema)]
#: Bytes per second.
ByteRate = Annotated[int, BeforeValidator(BYTE_RATE.read), BYTE_RATE.serializer, WithJsonSchema(BYTE_RATE.json_schema)]
#: Hertz.
Frequency = Annotated[int, BeforeValidator(FREQUENCY.read), FREQUENCY.serializer, WithJsonSchema(FREQUENCY.json_schema)]
#: Events per second.
Rate = Annotated[float, BeforeValidator(RATE.read), RATE.serializer, WithJsonSchema(RATE.json_schema)]
#: A share between 0 and 1.
Fraction = Annotated[float, BeforeValidator(FRACTION.read), WithJsonSchema(FRACTION.json_schema)]
#: A part of something, or a few times as much.
Share = Annotated[float, BeforeValidator(SHARE.read), SHARE.serializer, WithJsonSchema(SHARE.json_schema)]
#: Clock cycles of the host.
Cycles = Annotated[int, BeforeValidator(CYCLES.read), CYCLES.serializer, WithJsonSchema(CYCLES.json_schema)]
