"""Text from strangers: what may not be in it, and how it is printed."""

import re
import unicodedata
from collections.abc import Iterator

#: Line and paragraph separators, control characters (C0, DEL, C1), and halves of surrogate pairs.
_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})
#: The property Bidi_Control of Unicode Standard Annex 9: these show text in another order than it has.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


#: Signs that begin a command, with the blanks before them.
_COMMAND = re.compile(r"^([^\S\n]*)::|##(?=\[|vso\[)", re.MULTILINE)


def one_line(text: str) -> str:
    """Return `text` with everything that would break a line or upset a terminal spelled out."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def without_commands(text: str) -> str:
    """Return lines in which the signs that build servers take for the beginning of a command stand apart.

    GitHub Actions take `::` where a line begins, blanks aside, and `##[` anywhere for one, Azure Pipelines `##vso[`.
    """
    return _COMMAND.sub(lambda found: "# #" if found[1] is None else f"{found[1]}: :", text)


def control_characters(text: str) -> Iterator[str]:
    """Yield the characters of a text that would steer what shows it: break its line, or turn its order."""
    return (letter for letter in text if unicodedata.category(letter) in _CATEGORIES or letter in _BIDIRECTIONAL)


def character_name(letter: str) -> str:
    """Return what a character is called in a message: its number and, where there is one, its name."""
    name = unicodedata.name(letter, "")
    return f"U+{ord(letter):04X} ({name})" if name else f"U+{ord(letter):04X}"
