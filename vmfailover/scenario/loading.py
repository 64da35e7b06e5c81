"""Reading a scenario from a file."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from vmfailover.scenario.document import Document
from vmfailover.scenario.overrides import OVERRIDE, assigned, only_of
from vmfailover.scenario.reading import document_of
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.scenario import Scenario
from vmfailover.scenario.workload_file import with_workload


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
    folder = Path(path).parent
    document = with_workload(document_of(Path(path)), folder)
    for assignment in overrides if isinstance(document.data, dict) else ():
        document = with_workload(assigned(Scenario, document, assignment, called), folder)
    return document
