"""Reading YAML from a file."""

from pathlib import Path

from vmfailover.errors import reason_of
from vmfailover.files.regular_file import read_regular
from vmfailover.files.text import one_line
from vmfailover.scenario.document import Document, parse
from vmfailover.scenario.errors import ScenarioError

#: A scenario file larger than this, in bytes, is refused: it must be something else.
LARGEST_FILE = 2**20


def document_of(path: Path) -> Document:
    """Return what a file says; raise ScenarioError if it cannot be read or is no YAML."""
    try:
        return parse(_content(path).decode("utf-8-sig"), one_line(str(path)))
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not UTF-8 text (byte {error.start})") from None


def _content(path: Path) -> bytes:
    try:
        content = read_regular(path, LARGEST_FILE + 1)
    except IsADirectoryError:
        raise _unreadable(path, "is a folder; name a scenario file in it") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {reason_of(error)}") from None
    if len(content) > LARGEST_FILE:
        raise _unreadable(path, "is larger than 1 MiB, which no scenario is")
    return content


def _unreadable(path: Path, reason: str) -> ScenarioError:
    return ScenarioError(one_line(f"{path}: {reason}"))
