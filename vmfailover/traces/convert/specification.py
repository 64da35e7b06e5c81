"""Which column of a table is what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from vmfailover.errors import ParameterError
from vmfailover.traces.convert.lines import FETCH
from vmfailover.traces.convert.operations import LOAD, STORE
from vmfailover.traces.convert.reading import ConversionError

__all__ = ["COLUMNS", "ColumnSpec"]

#: What a column can be.
COLUMNS = ("address", "op", "size", "thread", "instructions", "time")
#: Nanoseconds of the units of time.
_UNITS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
_BASES = {"hex": 16, "decimal": 10}
_LOADS = ("R", "r", "L", "l", "READ", "read", "Read", "LOAD", "load", "Load", "ld", "0")
_STORES = ("W", "w", "S", "s", "WRITE", "write", "Write", "STORE", "store", "Store", "st", "1")
_EXAMPLE = "for example address=2:hex,op=1:R/W,size=3"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """Which columns of a table, by name or by number from 1 on, are what, and how they are written."""

    #: The column of each thing in COLUMNS that there is.
    columns: dict[str, str]
    #: Words of the column `op`: LOAD, STORE, or FETCH for an instruction.
    words: dict[str, int]
    #: Bases of numbers without 0x before them.
    address_base: int
    size_base: int
    #: Nanoseconds of a unit of the column `time`.
    time_unit: float

    @classmethod
    def parse(cls, text: str) -> ColumnSpec:
        """Return what `key=column[:how],…` says; raise ParameterError for what it cannot say.

        Keys are those of COLUMNS, of which `address` and `op` must be there. How is `hex` or `decimal` for an address
        or a size, `LOAD/STORE` or `LOAD/STORE/INSTRUCTION` words for `op`, and ps, ns, us, ms or s for a time.
        """
        columns, notes = {}, {}
        for item in text.split(","):
            key, equals, value = item.strip().partition("=")
            column, _, note = value.partition(":")
            if key not in COLUMNS or not equals or not column or key in columns:
                _refuse(f"'{item}' is none of {'=, '.join(COLUMNS)}= with a column, each once")
            columns[key], notes[key] = column, note
        if not {"address", "op"} <= columns.keys():
            _refuse("address= and op= have to be there")
        return cls(
            columns,
            _words(notes.get("op", "")),
            _chosen(_BASES, notes.get("address", ""), 10),
            _chosen(_BASES, notes.get("size", ""), 10),
            _chosen(_UNITS, notes.get("time", ""), 1.0),
        )

    @property
    def names_columns(self) -> bool:
        """Whether a column is given by its name, so that there must be a line of names."""
        return not all(column.isdecimal() for column in self.columns.values())

    @property
    def tells_instructions(self) -> bool:
        """Whether a column or a word tells how many instructions were executed."""
        return "instructions" in self.columns or FETCH in self.words.values()

    def index(self, key: str, names: list[str], where: str) -> int:
        """Return the number of the column that is `key`, from 0 on, -1 if none is; ConversionError if it is missing."""
        column = self.columns.get(key)
        if column is None:
            return -1
        if column in names:
            return names.index(column)
        if not column.isdecimal() or not 0 < int(column) <= (len(names) or 100):
            raise ConversionError(f"{where}: has no column {column}; there are {', '.join(names[:20]) or 'no names'}")
        return int(column) - 1


def _refuse(problem: str) -> NoReturn:
    raise ParameterError("columns", problem, remedy=_EXAMPLE)


def _words(note: str) -> dict[str, int]:
    if not note:
        return dict.fromkeys(_LOADS, LOAD) | dict.fromkeys(_STORES, STORE)
    words = note.split("/")
    if len(words) not in (2, 3) or not all(0 < len(word.encode()) <= 8 for word in words) or len({*words}) < len(words):
        _refuse(f"'{note}' are not two or three different words of at most 8 letters")
    return dict(zip(words, (LOAD, STORE, FETCH), strict=False))


def _chosen(choices: dict[str, Any], note: str, default: Any) -> Any:
    if note and note not in choices:
        _refuse(f"'{note}' is none of {', '.join(choices)}")
    return choices.get(note, default)
