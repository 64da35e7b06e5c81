"""How a recording is read: strictly or tolerantly, and what is left out of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from vmfailover.errors import InputError, ParameterError
from vmfailover.files.text import one_line

__all__ = ["MOST_BYTES", "ConversionError", "Reading"]

#: Bytes of the largest access that is believed; the largest known (XSAVE) are below 12 KiB.
MOST_BYTES = 1 << 20
#: Characters of a faulty record that are shown.
_SHOWN = 60


class ConversionError(InputError):
    """A recording that cannot be converted: `file:line: what was found; what to do`, on one line."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(" ".join(text.splitlines())))


@dataclass
class Reading:
    """What the readers of formats share: how they treat what is no record, and their counts."""

    #: Whether what is no record is left out and counted, instead of ending the conversion.
    tolerant: bool = False
    #: Bytes of an access where the format tells no size.
    assumed_size: int = 1
    #: What was left out, by kind.
    left_out: Counter[str] = field(default_factory=Counter)

    def leave_out(self, kind: str, number: int = 1) -> None:
        """Count what is no access of the guest."""
        if number:
            self.left_out[kind] += number

    def reject(self, place: str, found: str, kind: str) -> None:
        """Leave out what is no record, with its `kind` in the counts; raise ParameterError where that is strict."""
        if not self.tolerant:
            remedy = "mend the file, or leave such things out with {tolerant}"
            raise ParameterError("tolerant", one_line(found), about=one_line(place), remedy=remedy)
        self.leave_out(kind)

    def check_version(self, place: str, found: int, known: tuple[int, ...]) -> None:
        """Raise ConversionError for a version of a format that is not known."""
        if found not in known:
            raise ConversionError(f"{place}: is of version {found}, known are {', '.join(map(str, known))}")


def shown(text: bytes) -> str:
    """Return the beginning of a faulty line as it is told."""
    decoded = text.decode("utf-8", "replace").rstrip("\r\n")
    return repr(decoded[:_SHOWN] + ("…" if len(decoded) > _SHOWN else ""))
