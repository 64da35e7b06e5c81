"""The JSON of every result: the same header, strict numbers, and a version of its own."""

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from vmfailover.scenario import Scenario
from vmfailover.version import version


def header(schema_version: int) -> dict[str, Any]:
    """Return what every document begins with."""
    return {"schema_version": schema_version, "vmfailover_version": version()}


def about(scenario: Scenario) -> dict[str, Any]:
    """Return what a document says of a scenario."""
    return {"name": scenario.name, "hash": scenario.hash}


class JsonResult(ABC):
    """A result that `--json` prints."""

    #: Version of what `to_dict` returns; it changes when a key is renamed or removed.
    SCHEMA_VERSION: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return header(self.SCHEMA_VERSION) | self._content()

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text; raise ValueError if it has a number that JSON has not, as NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """Return what follows the header."""
