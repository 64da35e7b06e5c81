"""Dirty rates as people and other programs tell them: how many bytes of pages are modified in a window of time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmfailover.errors import InputError
from vmfailover.files.regular_file import read_regular
from vmfailover.scenario.units import BYTE_RATE, DURATION

__all__ = ["DirtyRate", "from_domstats", "from_qmp"]

#: Longest text of a rate that is read, bytes.
_LONGEST = 1 << 20
_MIB = 1 << 20
_SECOND_NS = 10**9
#: Nanoseconds of what QEMU counts time in.
_UNITS = {"second": _SECOND_NS, "millisecond": 10**6}
#: What to do about a rate of zero.
_BELOW = (
    "0 MiB/s is below the resolution, which is 1 MiB/s; measure a shorter time, which has a higher rate (QEMU 8.2 "
    "takes calc-time-unit millisecond), or with mode dirty-bitmap or dirty-ring, or give a dirty rate that you know"
)
_DOMSTATS = re.compile(r"^\s*dirtyrate\.([\w.]+)\s*=\s*(-?\d+)\s*$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True)
class DirtyRate:
    """Pages that are modified in a window count whole, and once."""

    #: Bytes in a second, of the window divided by its length.
    bytes_per_second: float
    window_ns: int
    #: Whether somebody said how long the window is.
    window_given: bool = True

    @classmethod
    def parse(cls, text: str) -> DirtyRate:
        """Return the rate of a text such as `80MB/s over 10ms`, over 1 s if it says no time; raise InputError."""
        rate, over, window = text.partition(" over ")
        try:
            found = cls(BYTE_RATE.read(rate), int(DURATION.read(window)) if over else _SECOND_NS, bool(over))
        except ValueError as error:
            raise InputError(f"{text!r}: {error}; write a rate as in '80MB/s over 10ms'") from None
        if not found.bytes_per_second or not found.window_ns:
            raise InputError(f"{text!r}: a rate and its time are above zero")
        return found

    @property
    def modified(self) -> float:
        """Bytes that are modified in the window."""
        return self.bytes_per_second * self.window_ns / _SECOND_NS

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.bytes_per_second / 1e6:.4g} MB/s over {DURATION.format(self.window_ns)}"


def from_qmp(path: Path) -> list[DirtyRate]:
    """Return the rates in answers to QEMU's query-dirty-rate, one JSON object after the other.

    Raises InputError, of one line, if there is none, or one that is below the resolution.
    """
    answers = (each.get("return", each) for each in _objects(path) if isinstance(each, dict))
    rates = [_of_answer(path, each) for each in answers if isinstance(each, dict) and "calc-time" in each]
    if not rates:
        raise InputError(
            f"{path}: has no answer to query-dirty-rate; send calc-dirty-rate, wait for its time, and keep what "
            "query-dirty-rate returns"
        )
    return rates


def _objects(path: Path) -> Iterator[Any]:
    text, at, decoder = _text(path), 0, json.JSONDecoder()
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise InputError(f"{path}:{line}: is not JSON ({str(error)[:100]}); keep what QEMU answers") from None
        yield found


def _text(path: Path) -> str:
    """Return what is in a file; what is no UTF-8 cannot be read further on."""
    return read_regular(path, _LONGEST).decode(errors="replace")


def _of_answer(path: Path, answer: Mapping[str, Any]) -> DirtyRate:
    if answer.get("status", "measured") != "measured":
        raise InputError(f"{path}: the rate is not measured yet; ask query-dirty-rate again once its time is over")
    unit = answer.get("calc-time-unit", "second")
    if unit not in _UNITS:
        raise InputError(f"{path}: 'calc-time-unit' is neither {' nor '.join(_UNITS)}; keep what QEMU answers")
    return _in_mebibytes(path, answer.get("dirty-rate"), answer["calc-time"], _UNITS[unit])


def _in_mebibytes(path: Path, rate: Any, time: Any, unit_ns: int) -> DirtyRate:
    if type(rate) is not int or type(time) is not int or rate < 0 or time <= 0:
        raise InputError(f"{path}: the rate or its time is not a whole number; keep what was answered")
    if rate == 0:
        raise InputError(f"{path}: {_BELOW}")
    return DirtyRate(float(rate * _MIB), time * unit_ns)


def from_domstats(path: Path) -> list[DirtyRate]:
    """Return the rate in what `virsh domstats --dirtyrate` prints of one domain; raise InputError as `from_qmp`.

    A domain's rate is the sum of its vCPUs' where only these are told.
    """
    values = _DOMSTATS.findall(_text(path))
    found = {name: int(value) for name, value in values}
    if len(found) < len(values):
        raise InputError(
            f"{path}: has the rates of several domains; keep those of one: virsh domstats DOMAIN --dirtyrate"
        )
    if found.get("calc_status", 2) != 2 or "calc_period" not in found:
        raise InputError(
            f"{path}: has no dirty rate that is measured; run virsh domdirtyrate-calc DOMAIN --seconds 1, wait for it, "
            "and keep what virsh domstats DOMAIN --dirtyrate prints"
        )
    vcpus = [value for name, value in found.items() if name.startswith("vcpu.") and name.endswith("per_second")]
    rate = found.get("megabytes_per_second", sum(vcpus))
    return [_in_mebibytes(path, rate, found["calc_period"], _SECOND_NS)]
