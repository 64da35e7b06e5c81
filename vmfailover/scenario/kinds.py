"""Kinds: sections of a scenario that may be of several, each with keys of its own and with its code elsewhere.

The floors above have the kinds: a package of theirs lists them by name, and so does the entry point of whoever brings
another one. A kind is imported when a scenario names it.
"""

from collections.abc import Collection, Iterator, Mapping, MutableMapping
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import PrivateAttr, ValidationInfo, ValidatorFunctionWrapHandler, model_validator

from vmfailover.errors import InputError
from vmfailover.scenario.errors import Problem, require_fit, shown, suggestion
from vmfailover.scenario.presets import apply_preset
from vmfailover.scenario.record import Record

KindT = TypeVar("KindT", bound="Section")


class Kinds(MutableMapping[str, type[KindT]], Generic[KindT]):
    """The kinds of one section by their names: ours, those of installed packages, and those that a script adds.

    A kind is a subclass of the section's class. Raises InputError, which names the entry point, for two of one name
    and for one that cannot be imported or is none.
    """

    #: How often a kind has been added anywhere, or taken away.
    changes: ClassVar[int] = 0
    #: The kinds of every section by their group.
    groups: ClassVar[dict[str, "Kinds[Any]"]] = {}

    def __init__(self, group: str, home: str, key: str = "kind", presets: Collection[str] = ()) -> None:
        """Take ours from `KINDS` of the package `home`, others from entry points of `group`.

        A section says its kind by `key`, or by one of some presets.
        """
        self.group = group
        self.key = key
        self.presets = presets
        self._home = home
        self._added: dict[str, type[KindT]] = {}
        self._loaded: dict[str, type[KindT]] = {}
        Kinds.groups[group] = self

    @property
    def added(self) -> Mapping[str, type[KindT]]:
        """Those that a script has added in this process."""
        return self._added

    def __getitem__(self, name: str) -> type[KindT]:
        if name in self._added:
            return self._added[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(self._installed[name])
        return self._loaded[name]

    def __setitem__(self, name: str, kind: type[KindT]) -> None:
        if name in self._installed:
            raise InputError(f"{name}: is the name of a kind that there is; give yours another one")
        self._added[name] = kind
        Kinds.changes += 1

    def __delitem__(self, name: str) -> None:
        del self._added[name]
        Kinds.changes += 1

    def __iter__(self) -> Iterator[str]:
        return iter([*self._installed, *self._added])

    def __len__(self) -> int:
        return len(self._installed) + len(self._added)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._installed or name in self._added)

    def owners(self, key: str) -> list[str]:
        """Return the names of the kinds that have a key."""
        return [name for name, kind in self.items() if key in kind.model_fields]

    @cached_property
    def base(self) -> type[KindT]:
        """The class of the section, which each kind derives from."""
        raise AssertionError("is set where a section names its kinds")

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        ours: Mapping[str, str] = import_module(self._home).KINDS
        known = {name: EntryPoint(name, value, self.group) for name, value in ours.items()}
        for theirs in _entry_points().select(group=self.group):
            taken = known.setdefault(theirs.name, theirs)
            if taken.value != theirs.value:
                raise InputError(f"{_about(theirs)}: the name is taken by {taken.value}; rename it")
        return known

    def _load(self, entry_point: EntryPoint) -> type[KindT]:
        try:
            kind = entry_point.load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(f"{_about(entry_point)}: cannot be imported, {reason}") from error
        if not (isinstance(kind, type) and issubclass(kind, self.base)):
            raise InputError(f"{_about(entry_point)}: is not a subclass of {self.base.__module__}.{self.base.__name__}")
        return kind


class Section(Record):
    """A section of which there are several kinds.

    The class of a section names its `kinds`; validating a mapping as the section gives an instance of the kind that the
    mapping names. The keys of the section's class are common to all kinds, those that a kind adds are its own.
    """

    kinds: ClassVar[Kinds[Any]]
    #: Where the code is, as `module:name`; it is imported only to run.
    code: ClassVar[str] = ""
    #: The common keys that say nothing to this kind.
    unused: ClassVar[frozenset[str]] = frozenset()
    #: Whether a single value that belongs to another kind is taken, and said to be unused; a block of keys never is.
    takes_values_of_others: ClassVar[bool] = False

    _of_others: tuple[str, ...] = PrivateAttr(default=())

    @property
    def of_others(self) -> tuple[str, ...]:
        """The keys that are written here and belong to another kind."""
        return self._of_others

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Let the kinds know the class of their section."""
        super().__pydantic_init_subclass__(**options)
        if cls.has_kinds():
            cls.kinds.base = cls

    @classmethod
    def has_kinds(cls) -> bool:
        """Whether this is the class of a section, and not one of its kinds."""
        return "kinds" in cls.__dict__

    @classmethod
    def of(cls, section: "Section") -> Self:
        """Return a section that is of this kind, as such; raise TypeError if it is of another one."""
        if not isinstance(section, cls):
            raise TypeError(f"{type(section).__name__} is not a {cls.__name__}")
        return section

    @classmethod
    def name_in(cls, keys: Mapping[str, Any]) -> Any:
        """Return the name of the kind that a mapping says it is of, None if it says nothing."""
        field = cls.model_fields[cls.kinds.key]
        return keys.get(cls.kinds.key, None if field.is_required() else field.default)

    @classmethod
    def choice_of(cls, name: str) -> str:
        """Return what to write for the kind of a name."""
        return f"{cls.kinds.key}: {name}"

    def problems(self, scenario: Any) -> Iterator[Problem]:
        """Yield each disagreement of this section with other keys of a scenario."""
        del scenario
        yield from ()

    @classmethod
    def kind_of(cls, keys: Mapping[str, Any]) -> type[Self]:
        """Return the kind of a mapping; raise MisfitError if there is no such one."""
        name, key = cls.name_in(keys), cls.kinds.key
        if name is None:
            require_fit([Problem((key,), f"is missing; it is one of {', '.join(cls.kinds)}")])
        if name not in cls.kinds:
            require_fit([Problem((key,), f"{shown(name)} is unknown; {suggestion(str(name), cls.kinds)}")])
        return cast("type[Self]", cls.kinds[name])

    @model_validator(mode="wrap")
    @classmethod
    def _as_its_kind(cls, data: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Self:
        """Validate a mapping as its kind; of a preset, keys that the kind does not have are left out."""
        if not cls.has_kinds() or not isinstance(data, dict):
            return cast("Self", handler(data))
        keys = apply_preset(data, cls.kinds.presets, (info.context or {}).get("folder"))
        kind = cls.kind_of(keys)
        of_others = tuple(key for key, value in data.items() if cls._is_of_others(kind, key, value))
        own = {key: value for key, value in keys.items() if key in data or key in kind.model_fields}
        section = kind.model_validate({key: own[key] for key in own if key not in of_others}, context=info.context)
        section._of_others = of_others
        return section

    @classmethod
    def _is_of_others(cls, kind: type[Self], key: str, value: Any) -> bool:
        """Whether a key is a single value of another kind, and is taken here."""
        single = cls.takes_values_of_others and not isinstance(value, dict | list | Record)
        return single and key not in kind.model_fields and bool(cls.kinds.owners(key))


def code_of(section: Section) -> Any:
    """Return the code of a section's kind, imported; raise InputError, which names it, if that cannot be."""
    try:
        return EntryPoint("", section.code, "").load()
    except Exception as error:
        kind = f"{type(section).__module__}.{type(section).__name__}"
        raise InputError(f"{kind}: its code, {section.code!r}, cannot be imported, {error}") from error


@cache
def _entry_points() -> Any:
    return entry_points()


def _about(entry_point: EntryPoint) -> str:
    package = f" of the package {entry_point.dist.name}" if entry_point.dist else ""
    return f"entry point {entry_point.name}: {entry_point.value} in {entry_point.group}{package}"
