"""A workload that has a file of its own: `workload: {from: W.yaml}`."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from vmfailover.scenario.document import Document
from vmfailover.scenario.errors import KeyPath, Problem, ScenarioError
from vmfailover.scenario.reading import document_of

_SECTION: KeyPath = ("workload",)
#: The key with the path of the file, which starts at the folder of the scenario.
FROM: KeyPath = (*_SECTION, "from")
#: What a file may say about its workload, for readers.
REMARKS = ("description", "fitted")
#: What would lead to a further file.
_FURTHER = ("from", "trace")

#: What a section may be in place of a kind, as a JSON Schema.
FROM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "WorkloadFile",
    "description": "A workload that is written in another file.",
    "properties": {
        "from": {"type": "string", "description": "The file; a relative path starts at the folder of the scenario."}
    },
    "required": ["from"],
}


def with_workload(document: Document, folder: Path) -> Document:
    """Return a scenario's document with the keys of its workload's file, if it names one, in place of the name.

    Keys beside `from` go on top of those of the file. Raises ScenarioError for a file that is none with a workload.
    """
    section = document.at(_SECTION)
    if not isinstance(section, dict) or FROM[-1] not in section:
        return document
    file = workload_document(_opened(document, section[FROM[-1]], folder))
    others = {key: value for key, value in section.items() if key != FROM[-1]}
    data = deepcopy(document.data) | {"workload": file.data | deepcopy(others)}

    def places(ours: dict[KeyPath, str], theirs: dict[KeyPath, str]) -> dict[KeyPath, str]:
        theirs = {(*_SECTION, *path): at for path, at in theirs.items() if path and path[0] not in others}
        return {path: at for path, at in ours.items() if path != FROM} | theirs

    return Document(
        document.name, data, places(document.places, file.places), places(document.key_places, file.key_places)
    )


def workload_document(file: Document) -> Document:
    """Return the keys of a workload that a file has, without remarks; raise ScenarioError if it has none."""
    if not isinstance(file.data, dict):
        raise file.error(Problem((), "a workload is a mapping of keys, such as 'kind: hot-sets'"))
    further = [Problem((key,), "a file with a workload names no other file") for key in _FURTHER if key in file.data]
    if further:
        raise file.error(*further)
    return file.without((), [key for key in REMARKS if key in file.data])


def _opened(document: Document, name: Any, folder: Path) -> Document:
    if not isinstance(name, str) or not name or "\0" in name:
        raise document.error(Problem(FROM, "write the path of a file with a workload, for example W.yaml"))
    try:
        return document_of(folder / name)
    except ScenarioError as error:
        raise document.error(Problem(FROM, str(error))) from None
