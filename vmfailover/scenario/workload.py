"""What the guest does to its memory: a recorded trace, or a synthetic stream of accesses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from vmfailover.scenario.errors import Problem, require_fit, shown
from vmfailover.scenario.record import Integer, Number, Record, written
from vmfailover.scenario.units import AboveZero, Fraction, Size

_SKEW = 0.99
_STRIDE = 64
_IDLE_DEFAULTS = {"working_set": "1 MiB", "instructions_per_access": 100_000.0}


def _path(value: object) -> object:
    if isinstance(value, str | Path) and "\0" not in str(value) and str(value):
        return Path(value)
    raise ValueError("write the path of a trace file, for example traces/redis-set.parquet")


def _beside_scenario(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return Path(folder) / path if folder is not None else path


def _repeat(value: object) -> object:
    if isinstance(value, bool) or value == "shifted":
        return value
    raise ValueError(f"{shown(value)} is not true, false or shifted")


class TraceWorkload(Record):
    """The memory accesses recorded in a trace file."""

    trace: Annotated[Path, BeforeValidator(_path), AfterValidator(_beside_scenario)]
    """The trace; a relative path starts at the folder of the scenario file."""
    repeat: Annotated[bool | Literal["shifted"], BeforeValidator(_repeat)] = False
    """Whether the trace starts over at its end; if not, the guest halts there. `shifted` repetitions differ: each
    begins at another record, and every second page of 4 KiB is moved elsewhere in the recorded guest's memory."""


class SyntheticPhase(Record):
    """A stream of memory accesses drawn from one pattern. The defaults are assumed."""

    kind: Literal["zipf", "sequential", "uniform", "pointer-chase", "idle"]
    """The pattern of the addresses; `idle` is an occasional access of an idle operating system."""
    working_set: Annotated[Size, AboveZero] = written("64 MiB")
    """Bytes that the pattern touches (1 MiB if idle)."""
    store_fraction: Fraction = written("30 %")
    """Share of the accesses that are stores."""
    instructions_per_access: Annotated[Number, Field(ge=0.01)] = 3.0
    """Mean instructions from one access to the next (100000 if idle)."""
    skew: Annotated[Number, Field(gt=0, le=100)] = _SKEW
    """Exponent of the popularity of lines; `zipf` only. 0.99 is the constant of YCSB (Cooper et al., SoCC 2010)."""
    stride: Annotated[Size, AboveZero] = written(f"{_STRIDE} B")
    """Bytes from one access to the next; `sequential` only."""
    offset: Size = written("0 B")
    """Where in the VM's memory the working set begins."""

    @model_validator(mode="before")
    @classmethod
    def _idle_defaults(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("kind") == "idle":
            return {**_IDLE_DEFAULTS, **data}
        return data

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        require_fit(self._misplaced_keys())
        return self

    def _misplaced_keys(self) -> Iterator[Problem]:
        for key, owner, default in (("skew", "zipf", _SKEW), ("stride", "sequential", _STRIDE)):
            if self.kind != owner and getattr(self, key) != default:
                yield Problem((key,), f"belongs to kind '{owner}', and this kind is '{self.kind}'; leave it out")


class SyntheticWorkload(SyntheticPhase):
    """One pattern from beginning to end."""


class MixPhase(SyntheticPhase):
    """One pattern for a while."""

    accesses: Annotated[Integer, Field(ge=1, le=10**15)]
    """Length of the phase in memory accesses."""


class MixWorkload(Record):
    """Several patterns in turn, over and over."""

    kind: Literal["mix"]
    """Says that this workload is a mix."""
    phases: Annotated[tuple[MixPhase, ...], Field(min_length=1)]
    """The patterns in the order in which they take turns."""


def _variant(data: Any) -> str | None:
    """Return the tag of the model that the keys present call for."""
    if isinstance(data, Record):
        return type(data).__name__
    if not isinstance(data, dict):
        return None
    if data.get("kind") == "mix":
        return "MixWorkload"
    if "kind" in data:
        return "SyntheticWorkload"
    return "TraceWorkload" if "trace" in data else None


Workload = Annotated[
    Annotated[TraceWorkload, Tag("TraceWorkload")]
    | Annotated[SyntheticWorkload, Tag("SyntheticWorkload")]
    | Annotated[MixWorkload, Tag("MixWorkload")],
    Discriminator(
        _variant,
        custom_error_type="workload_variant",
        custom_error_message="write either 'trace: FILE' or 'kind: zipf|sequential|uniform|pointer-chase|idle|mix'",
    ),
]
