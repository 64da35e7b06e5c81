"""A whole experiment."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, model_validator

from vmfailover.display import Shown
from vmfailover.scenario.checks import scenario_problems
from vmfailover.scenario.detection import DETECTION_PRESETS
from vmfailover.scenario.document import Document
from vmfailover.scenario.errors import Problem, ScenarioError, require_fit
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.explain import problems_of
from vmfailover.scenario.hashing import hash_of
from vmfailover.scenario.overrides import overridden, path_of
from vmfailover.scenario.presets import with_other_sections
from vmfailover.scenario.record import Record
from vmfailover.scenario.texts import text_problems
from vmfailover.scenario.warnings import warnings_of
from vmfailover.scenario.workload_file import with_workload


class Scenario(Experiment, Shown):
    """One experiment: what runs where, how it is protected, and what goes wrong.

    Quantities are given as text with a unit and kept as plain numbers in base units: nanoseconds, bytes, bits per
    second, hertz.
    """

    _source: Any = PrivateAttr(default=None)
    _path: Path | None = PrivateAttr(default=None)

    @classmethod
    def from_document(cls, document: Document, path: Path | None, *, known_to_fit: bool = False) -> Self:
        """Return the scenario in a document, `path` being its file; raise ScenarioError if it is none.

        Of one that is known to fit, the values are not held against each other and against the trace.
        """
        if not isinstance(document.data, dict):
            raise document.error(Problem((), "a scenario is a mapping of keys; `vmfailover init FILE` writes one"))
        context = {"folder": path.parent if path is not None else None, "known to fit": known_to_fit}
        try:
            scenario = cls.model_validate(document.data, context=context)
        except ValidationError as error:
            raise document.error(*problems_of(cls, error)) from None
        scenario._path = path
        return scenario

    def with_(self, **overrides: object) -> Self:
        """Return a copy with other values, each given as in a scenario file; raise ScenarioError if they are wrong.

        A key is dotted, with lists by index (`**{"failures.0.at": "7 ms"}`), or a last part that is in one place only
        (`checkpoint_interval="2 ms"`).
        """
        name = str(self._path or self.name)
        folder = Path() if self._path is None else self._path.parent
        document = Document(name, self._source, {(): name}, {})
        for key, value in overrides.items():
            document = with_workload(overridden(type(self), document, key, _as_written(value)), folder)
        return self.from_document(document, self._path)

    def value(self, key: str) -> Any:
        """Return the value at a key, as `with_` takes it, in base units; raise ScenarioError if there is none."""
        value: Any = self.model_dump()
        try:
            for part in path_of(type(self), key, self.name):
                value = value[part]
        except (KeyError, IndexError, TypeError):
            raise ScenarioError(f"{self.name}: {key}: this scenario has no such key") from None
        return value

    @property
    def source(self) -> dict[str, Any]:
        """The scenario as the plain data of a file, presets by their names and nothing that was not written."""
        source: dict[str, Any] = deepcopy(self._source)
        return source

    @property
    def path(self) -> Path | None:
        """The file that the scenario came from, if it came from one."""
        return self._path

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is legal here and may still not be what was meant, a line each that names the key."""
        return warnings_of(self)

    @property
    def hash(self) -> str:
        """SHA-256 of everything that the scenario says, the folder of a trace aside: the same on every machine."""
        content = self.model_dump(mode="json")
        if self.workload.file is not None:
            content["workload"][self.workload.file_key] = self.workload.file.name
        return hash_of(content)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_source(cls, data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Self:
        require_fit(text_problems(data))
        folder = (info.context or {}).get("folder")
        whole = with_other_sections(data, "detection", DETECTION_PRESETS, folder) if isinstance(data, dict) else data
        scenario: Self = handler(whole)
        if scenario is not data:
            scenario._source = _as_written(data)
        return scenario

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        if not (info.context or {}).get("known to fit"):
            require_fit(scenario_problems(self))
        return self


def _as_written(value: Any) -> Any:
    """Return a value with the records in it as the plain data that they can be made of again."""
    if isinstance(value, Record):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: _as_written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_written(item) for item in value]
    return value
