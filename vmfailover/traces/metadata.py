"""What a trace file says about itself, and the errors it can have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vmfailover.errors import InputError
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = ["KEY", "VERSION", "TraceError", "TraceMetadata"]

#: The key of the trace's description in the metadata of the Parquet schema.
KEY = "vmfailover.trace"
#: The version of the format that is read and written.
VERSION = 1
#: vCPU numbers are stored as one byte.
MAXIMUM_VCPUS = 256
#: Block numbers are 32 bits wide.
MAXIMUM_MEMORY_BYTES = BLOCK_BYTES << 32


class TraceError(InputError):
    """A trace file that cannot be used: `file: what is wrong; the remedy`, on one line."""

    @classmethod
    def about(cls, path: Path, problem: str) -> TraceError:
        """The error that `problem` (what is wrong and the remedy) makes the file at `path` useless."""
        return cls(" ".join(f"{path}: {problem}".splitlines()))


@dataclass(frozen=True, kw_only=True)
class TraceMetadata:
    """The description stored in a trace file under the key `vmfailover.trace`."""

    #: Bytes of guest-physical memory; every address lies below.
    memory_bytes: int
    #: Number of vCPUs; every vCPU number lies below.
    vcpus: int
    #: Where the trace comes from, for people.
    source: str
    #: Accesses in the file: the sum of the column `count`.
    accesses: int = 0
    #: Instructions in the file: the sum of the column `instructions`.
    instructions: int = 0
    #: Version of the format.
    version: int = VERSION
    #: Bytes in a block, the unit of the column `block`.
    block_bytes: int = BLOCK_BYTES
    #: What addresses the recorder saw, `physical` or `virtual`; None where nobody knows.
    address_space: str | None = None
    #: How its pages became frames of guest-physical memory: `identity`, `first-touch` or `random`.
    mapping: str | None = None
    #: Bytes of a page of that mapping.
    page_bytes: int | None = None
    #: What converted the trace, and from which format.
    converter: str | None = None
    #: Time that the recording lasted, nanoseconds, where the recorder told the time.
    duration_ns: int | None = None
    #: Idle time in the file, nanoseconds: the sum of the column `idle_ns`; None where it has none.
    idle_ns: int | None = None

    def to_json(self) -> str:
        """The description as it is stored, without what nobody knows."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> TraceMetadata:
        """The description stored as `text`; unknown keys are ignored. Raises ValueError saying what is wrong."""
        try:
            stored = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"metadata '{KEY}' is not JSON ({error})") from error
        if not isinstance(stored, dict):
            raise ValueError(f"metadata '{KEY}' is not a JSON object")
        values = {name: _value(stored, name, kind) for name, kind in _KINDS.items()}
        known = {name: kind for name, kind in _OPTIONAL_KINDS.items() if stored.get(name) is not None}
        metadata = cls(**values, **{name: _value(stored, name, kind) for name, kind in known.items()})
        metadata.check()
        return metadata

    def check(self) -> None:
        """Raises ValueError naming the first value that no trace can have."""
        _require("version", self.version, VERSION, VERSION)
        _require("block_bytes", self.block_bytes, BLOCK_BYTES, BLOCK_BYTES)
        _require("vcpus", self.vcpus, 1, MAXIMUM_VCPUS)
        _require("memory_bytes", self.memory_bytes, BLOCK_BYTES, MAXIMUM_MEMORY_BYTES)
        _require("accesses", self.accesses, 0, 2**63 - 1)
        _require("instructions", self.instructions, 0, 2**63 - 1)
        _require("idle_ns", self.idle_ns or 0, 0, 2**63 - 1)


_KINDS: dict[str, type] = {
    "version": int,
    "block_bytes": int,
    "accesses": int,
    "instructions": int,
    "memory_bytes": int,
    "vcpus": int,
    "source": str,
}

#: What a file need not say.
_OPTIONAL_KINDS: dict[str, type] = {
    "address_space": str,
    "mapping": str,
    "page_bytes": int,
    "converter": str,
    "duration_ns": int,
    "idle_ns": int,
}


def _value(stored: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in stored:
        raise ValueError(f"metadata '{KEY}' lacks '{name}'")
    if type(stored[name]) is not kind:
        expected = "a whole number" if kind is int else "a text"
        raise ValueError(f"metadata '{KEY}': '{name}' is not {expected}")
    return stored[name]


def _require(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        right = str(lowest) if lowest == highest else f"{lowest} to {highest}"
        raise ValueError(f"metadata '{KEY}': '{name}' is {value}, must be {right}")
