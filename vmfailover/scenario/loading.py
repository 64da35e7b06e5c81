"""Reading a scenario from a file."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from vmfailover.errors import reason_of
from vmfailover.files.regular_file import read_regular
from vmfailover.files.text import one_line
from vmfailover.scenario.document import Document, parse
from vmfailover.scenario.errors import ScenarioError
from vmfailover.scenario.overrides import OVERRIDE, assigned, only_of
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.scenario import Scenario

#: A scenario file larger than this, in bytes, is refused: it must be something else.
LARGEST_FILE = 2**20


def load(path: str | PathLike[str], overrides: Sequence[str] = (), *, called: str = OVERRIDE) -> Scenario:
    """Return the scenario in a YAML 1.2 file, with keys overridden by `KEY=VALUE` texts.

    Messages about one of these say what it is `called`. Raise ScenarioError, with one line for each problem found, if
    the file cannot be read or is not a scenario.
    """
    return Scenario.from_document(_overridden(path, overrides, called), Path(path))


def load_under(
    path: str | PathLike[str], protocols: Sequence[str], overrides: Sequence[str] = (), *, called: str = OVERRIDE
) -> Callable[[str], Scenario]:
    """Return what gives the scenario in a file under each of some protocols, of all of which the file may have keys.

    Raises ScenarioError as `load` does, for the file with its own protocol; what is returned, for the others.
    """
    document = _overridden(path, overrides, called)
    section, key = Replication, ("replication",)

    def under(protocol: str | None) -> Scenario:
        of_own = document if protocol is None else document.replaced((*key, "protocol"), protocol, document.name)
        mapping = isinstance(of_own.at(key), dict)
        return Scenario.from_document(only_of(section, key, of_own, others) if mapping else of_own, Path(path))

    others = [*protocols, (document.at(key) or {}).get("protocol")]
    under(None)
    return under


def _overridden(path: str | PathLike[str], overrides: Sequence[str], called: str) -> Document:
    document = document_of(Path(path))
    for assignment in overrides if isinstance(document.data, dict) else ():
        document = assigned(Scenario, document, assignment, called)
    return document


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
