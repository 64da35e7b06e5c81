"""The computers: clock, cores, caches and memory."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.presets import HOST_PRESETS, apply_preset
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.sizes import MOST_WAYS
from vmfailover.scenario.units import SIZE, AboveZero, ByteRate, Cycles, Duration, Frequency, NoneText, Size


def _optional_keys(schema: dict[str, Any]) -> None:
    """Let every key be left out in the JSON Schema: what is left out comes from the preset."""
    schema.pop("required", None)


class _HostPart(Record):
    model_config = ConfigDict(json_schema_extra=_optional_keys)


class CacheLevel(_HostPart):
    """One level of a cache."""

    size: Annotated[Size, AboveZero]
    """Capacity in bytes."""
    ways: Annotated[Count, Field(le=MOST_WAYS)]
    """Rows that a line may be in (associativity)."""
    latency: Cycles
    """Load-to-use time of a hit, in cycles of the host's clock. That of L1 is in `base_cpi`: it changes nothing."""

    def sets(self, line: int) -> int:
        """Return the number of sets for lines of `line` bytes."""
        return self.size // (line * self.ways)


class MemorySpec(_HostPart):
    """Main memory."""

    latency: Duration
    """Time of a fetch that misses every cache, in nanoseconds."""
    bandwidth: Annotated[ByteRate, AboveZero]
    """Bytes per second that the memory delivers to the whole host."""
    parallelism: Annotated[Number, Field(ge=1)]
    """Misses that overlap on average (memory-level parallelism); a miss stalls for latency ÷ parallelism."""


class HostSpec(_HostPart):
    """One computer. A preset gives every number that the scenario does not."""

    preset: str | None = None
    """Where the numbers left out come from: power7, power8 or xeon."""
    clock: Annotated[Frequency, AboveZero]
    """Clock of every core, in hertz."""
    base_cpi: Annotated[Number, Field(gt=0)]
    """Cycles an instruction takes when every access hits the L1."""
    cores: Count
    """Cores of the host, each with an L1 and an L2 of its own."""
    line: Annotated[Size, Field(ge=64, le=4096)]
    """Bytes in a cache line, in every level; a power of two."""
    l1: CacheLevel
    """Store-through data cache, one for each core."""
    l2: CacheLevel
    """Write-back cache whose rows carry the image-modification flag, one for each core."""
    l3: Annotated[CacheLevel | None, NoneText] = None
    """Victim cache shared by all cores; or none."""
    core_to_core: Duration = written("40 ns")
    """Time of a fetch of a line that the L2 of another core holds, in nanoseconds; such fetches overlap as those from
    memory do. 40 to 42 ns on a Xeon E5-2660 v4, by Intel's Memory Latency Checker (J. McCalpin, Intel Developer Zone,
    "Core-to-core communication latency in Skylake/Kaby Lake"); assumed of others."""
    memory: MemorySpec
    """Main memory."""
    store_queue: Count = 64
    """Stores in flight per core. Assumed."""
    scan_cycles_per_set: Cycles = written("1 cycle")
    """Cycles the cache controller needs to check the flags of one set of the L2. Assumed: a set is read at once."""

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        return apply_preset(data, HOST_PRESETS) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _check_geometry(self) -> Self:
        require_fit(self._geometry_problems())
        return self

    def _geometry_problems(self) -> Iterator[Problem]:
        if not _power_of_two(self.line):
            yield Problem(("line",), f"{self.line} bytes is not a power of two; write 64 B or 128 B")
            return
        for name, level in (("l1", self.l1), ("l2", self.l2), ("l3", self.l3)):
            if level is not None:
                yield from _level_problems(name, level, self.line)


class Hosts(Record):
    """The two computers."""

    primary: HostSpec
    """The host that runs the VM at first."""
    secondary: HostSpec
    """The host that keeps the image and takes over."""


def _level_problems(name: str, level: CacheLevel, line: int) -> Iterator[Problem]:
    """Yield what is wrong with a level: its sets must be a whole number and a power of two."""
    row = line * level.ways
    if not level.size % row and _power_of_two(level.sets(line)):
        return
    rows = max(level.size // row, 1)
    fitting = row << (rows.bit_length() - 1)
    yield Problem(
        (name, "size"),
        f"{SIZE.format(level.size)} in {level.ways} ways of {line} B lines does not make "
        f"a power-of-two number of sets; {SIZE.format(fitting)} does",
    )


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
