"""Text for terminals that have only ASCII."""

from rich.text import Text

_SUBSTITUTES = str.maketrans("█▓▒░µ·×÷✓✗–…±−─\N{NO-BREAK SPACE}", "#=+-u-x/+!-.~-- ")


def in_ascii(text: Text) -> Text:
    """Return a text of as many characters, all of them ASCII, with the same styles."""
    plain = text.copy()
    plain.plain = text.plain.translate(_SUBSTITUTES).encode("ascii", "replace").decode()
    return plain
