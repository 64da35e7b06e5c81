"""A whole experiment."""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, model_validator

from vmfailover.scenario.checks import scenario_problems
from vmfailover.scenario.detection import Detection
from vmfailover.scenario.document import Document
from vmfailover.scenario.errors import Problem, ScenarioError, require_fit
from vmfailover.scenario.explain import problems_of
from vmfailover.scenario.failover import Failure, Fencing
from vmfailover.scenario.hosts import Hosts
from vmfailover.scenario.network import Clients, Link
from vmfailover.scenario.overrides import overridden, path_of
from vmfailover.scenario.record import Count, Integer, Record, written
from vmfailover.scenario.replication import Hypervisor, Replication
from vmfailover.scenario.reprotection import Reprotection
from vmfailover.scenario.texts import text_problems
from vmfailover.scenario.units import AboveZero, Duration, NoneText, Size
from vmfailover.scenario.warnings import warnings_of
from vmfailover.scenario.workload import TraceWorkload, Workload


class VM(Record):
    """The virtual machine that is protected."""

    vcpus: Count = 1
    """Virtual processors, each on a core of its own."""
    memory: Annotated[Size, AboveZero]
    """Bytes of guest memory; a multiple of the line."""


class Scenario(Record):
    """One experiment: what runs where, how it is protected, and what goes wrong.

    Quantities are given as text with a unit and kept as plain numbers in base units: nanoseconds, bytes, bits per
    second, hertz.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What to call the experiment."""
    description: str = ""
    """What it shows, for readers."""
    seed: Annotated[Integer, Field(ge=0, lt=2**63)] = 1
    """Where all random numbers come from."""
    duration: Annotated[Duration, AboveZero]
    """Simulated time, in nanoseconds; nothing is counted beyond it."""
    extend: Annotated[Literal["until-takeover"] | None, NoneText] = None
    """Whether a failover that is under way after `duration` is waited for: the run then ends with its takeover."""
    warm_up: Duration = written("0 ns")
    """Time at the beginning of which checkpoints and requests are left out of the metrics, caches and queues being as
    no guest finds them, in nanoseconds."""
    hosts: Hosts
    """The two computers."""
    vm: VM
    """The virtual machine."""
    workload: Workload
    """What the guest does."""
    replication: Replication
    """How the VM is kept in step on the other host."""
    hypervisor: Hypervisor = Hypervisor()
    """What the hypervisor's steps cost."""
    link: Link
    """What connects the hosts."""
    detection: Detection = Detection()
    """How a failure is noticed."""
    fencing: Fencing = Fencing()
    """What keeps the failed host silent."""
    reprotection: Reprotection = Reprotection()
    """How the VM is protected again."""
    failures: tuple[Failure, ...] = ()
    """What goes wrong."""
    clients: Annotated[Clients | None, NoneText] = None
    """Who uses the VM; or none."""
    expect: dict[str, str] = Field(default_factory=dict)
    """What must come out: metrics, and expressions such as `p99 < 60 ms`."""

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
        document = Document(name, self._source, {(): name}, {})
        for key, value in overrides.items():
            document = overridden(type(self), document, key, _as_written(value))
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
    def trace_path(self) -> str | None:
        """Where the recorded workload is, absolute; None for a generated one."""
        return str(self.workload.trace.absolute()) if isinstance(self.workload, TraceWorkload) else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is legal here and may still not be what was meant, a line each that names the key."""
        return warnings_of(self)

    @property
    def hash(self) -> str:
        """SHA-256 of everything that the scenario says, the folder of a trace aside: the same on every machine."""
        content = self.model_dump(mode="json")
        if isinstance(self.workload, TraceWorkload):
            content["workload"]["trace"] = self.workload.trace.name
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        from vmfailover.report.html.page import render_fragment
        from vmfailover.report.html.study_pages import scenario_page

        return render_fragment(scenario_page(self))

    @model_validator(mode="wrap")
    @classmethod
    def _keep_source(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        require_fit(text_problems(data))
        scenario: Self = handler(data)
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
