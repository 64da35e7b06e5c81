"""What a terminal shows, for a notebook."""

from collections.abc import Callable
from io import StringIO
from typing import TypeVar

from rich.console import Console

ResultT = TypeVar("ResultT")
#: Characters of a line.
WIDTH = 100


def as_printed(found: ResultT, show: Callable[[ResultT, Console], None]) -> str:
    """Return as HTML what `show` prints about a result."""
    console = Console(record=True, file=StringIO(), width=WIDTH, highlight=False, force_jupyter=False)
    show(found, console)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
