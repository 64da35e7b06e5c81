"""Text for terminals that have only ASCII."""

from rich.console import Console, RenderableType
from rich.text import Text

_SUBSTITUTES = str.maketrans("█▓▒░▚▞▙▦▤µ·×÷✓✗–…±−─≥†\N{NO-BREAK SPACE}", "#=+-%*&@ou-x/+!-.~-->^ ")


def in_ascii(text: Text) -> Text:
    """Return a text of as many characters, all of them ASCII, with the same styles."""
    plain = text.copy()
    plain.plain = text.plain.translate(_SUBSTITUTES).encode("ascii", "replace").decode()
    return plain


def captured_in_ascii(part: RenderableType, console: Console) -> Text:
    """Return what a console would print of a part, in ASCII."""
    with console.capture() as captured:
        console.print(part)
    return in_ascii(Text(captured.get().rstrip("\n")))
