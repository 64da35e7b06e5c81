"""What the guest does to its memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from vmfailover.scenario.errors import KeyPath, Problem, require_fit
from vmfailover.scenario.kinds import Kinds, Section


class Instructions(NamedTuple):
    """The most instructions that come before one access."""

    #: The key, under `workload`, that says so.
    key: KeyPath
    #: What they are, in a sentence.
    what: str
    number: float


class Workload(Section):
    """What the guest does: a recorded trace, or a synthetic stream of accesses."""

    kinds: ClassVar["Kinds[Workload]"] = Kinds("vmfailover.workloads", "vmfailover.guest.workloads")
    #: Whether it can be sampled, not only executed.
    sampled: ClassVar[bool] = False
    #: The key with the path of the file that it is read from; None if there is no such file.
    file_key: ClassVar[str | None] = None

    @classmethod
    def name_in(cls, keys: Mapping[str, Any]) -> Any:
        """Return the name of a mapping's kind; one with a trace needs none."""
        return keys.get("kind", "trace" if "trace" in keys else None)

    @classmethod
    def choice_of(cls, name: str) -> str:
        """Return what to write for a kind."""
        return "trace: FILE" if name == "trace" else super().choice_of(name)

    @classmethod
    def kind_of(cls, keys: Mapping[str, Any]) -> type[Self]:
        """Return the kind of a mapping; raise MisfitError if there is no such one."""
        if cls.name_in(keys) is None:
            names = "|".join(name for name in cls.kinds if name != "trace")
            require_fit([Problem((), f"write either 'trace: FILE', 'from: FILE' or 'kind: {names}'")])
        return super().kind_of(keys)

    @property
    def file(self) -> Path | None:
        """The file that it is read from, if there is one."""
        return None if self.file_key is None else Path(getattr(self, self.file_key))

    def instructions(self) -> Iterator[Instructions]:
        """Yield the most instructions that come before an access, by each key that says so."""
        yield from ()

    def warnings(self, scenario: Any) -> Iterator[str]:
        """Yield what is legal in a scenario and may still not be meant, a line each that begins with the key."""
        del scenario
        yield from ()
