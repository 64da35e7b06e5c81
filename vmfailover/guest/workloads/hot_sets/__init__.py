"""Sets of pages that are visited at a rate each: settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.record import Integer, Number, Record, written
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, SIZE, AboveZero, Duration, NoneText, Rate, Share, Size
from vmfailover.scenario.workload import Instructions, Workload
from vmfailover.traces.accesses import BLOCK_BYTES

#: Blocks of 64 bytes in a page.
PAGE_BLOCKS = PAGE_BYTES // BLOCK_BYTES
#: The shortest tick, in nanoseconds.
SHORTEST_TICK = 1_000
#: The most accesses that a tick may have in the mean, all sets and vCPUs together.
MOST_ACCESSES = 1 << 22

ItemsT = TypeVar("ItemsT", bound=tuple[object, ...])


def _whole_pages(size: int) -> int:
    if size % PAGE_BYTES:
        raise ValueError(f"{SIZE.format(size)} is not a whole number of pages of {SIZE.format(PAGE_BYTES)}")
    return size


def _burst(size: int) -> int:
    if size % BLOCK_BYTES or not BLOCK_BYTES <= size <= PAGE_BYTES:
        block, page = SIZE.format(BLOCK_BYTES), SIZE.format(PAGE_BYTES)
        raise ValueError(f"{SIZE.format(size)} is not a multiple of {block} from {block} to {page}")
    return size


def _part(size: int) -> int:
    if size & (size - 1) or not BLOCK_BYTES <= size <= PAGE_BYTES:
        block, page = SIZE.format(BLOCK_BYTES), SIZE.format(PAGE_BYTES)
        raise ValueError(f"{SIZE.format(size)} is not a power of two from {block} to {page}")
    return size


def _long_enough(tick: int) -> int:
    if tick < SHORTEST_TICK:
        raise ValueError(f"{DURATION.format(tick)} is shorter than {DURATION.format(SHORTEST_TICK)}; make it longer")
    return tick


def _some(several: ItemsT) -> ItemsT:
    if not several:
        raise ValueError("is empty; name one at least")
    return several


_Tick = Annotated[Duration, AfterValidator(_long_enough)]
_Pages = Annotated[Size, AfterValidator(_whole_pages)]
_Part = Annotated[Size, AfterValidator(_part)]


class Fluctuation(Record):
    """How the rates of all sets change together: log-normal, with a mean of 1, and with a memory."""

    variation: Annotated[Share, AboveZero]
    """Standard deviation of the rates, relative to their mean."""
    correlation: Annotated[Duration, AboveZero]
    """Time after which the autocorrelation of the rates' logarithm has fallen to 1/e, in nanoseconds."""


class HotSet(Record):
    """Pages that are visited alike. A visit goes to one page and stores to consecutive blocks of 64 bytes of it."""

    kind: Literal["random", "stream", "periodic"]
    """Which page comes next: any (`random`), the next in turn (`stream`), or any again, all visits of a `period` coming
    in its first tick (`periodic`)."""
    memory: Annotated[_Pages, AboveZero]
    """Bytes of the set, a whole number of pages of 4 KiB."""
    visits: Annotated[Rate, AboveZero]
    """Visits to the set in a second of guest time, all its vCPUs together."""
    burst: Annotated[Size, AfterValidator(_burst)] = written(f"{BLOCK_BYTES} B")
    """Bytes that a visit stores to: consecutive blocks of 64 bytes of the page. They begin at a multiple of their size
    if that is a power of two, as objects do, and else anywhere in the page."""
    stores: Annotated[Number, Field(ge=1, le=10_000)] = 1.0
    """Mean stores of a visit to each block of its burst, one after the other."""
    loads: Annotated[Number, Field(le=1_000)] = 0.0
    """Mean loads for each store, from blocks of the same set; of a stream, from the page that is visited."""
    period: Annotated[Duration, AboveZero] | None = None
    """Time from one burst of visits to the next, a multiple of the tick, in nanoseconds; `periodic` only."""
    within: _Part = written("4 KiB")
    """Bytes of each page that all its visits go to, a power of two: a part of it whose place is the page's own."""
    stride: Annotated[_Pages, AboveZero] = written("4 KiB")
    """Bytes from the beginning of one page to that of the next: more than a page leaves room between them."""
    offset: Annotated[_Pages | None, NoneText] = None
    """Where in the VM's memory the set begins; none (the default) is where the set before it ends."""
    vcpus: Annotated[tuple[Annotated[Integer, Field(ge=0)], ...], AfterValidator(_some)] | None = None
    """The vCPUs that visit the set, each as often as the others; all of them if it is left out."""

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        require_fit(self._misfits())
        return self

    def _misfits(self) -> Iterator[Problem]:
        if self.kind == "periodic" and self.period is None:
            yield Problem(("period",), "is missing; write how long it is from one time to the next, such as '1 ms'")
        if self.kind != "periodic" and self.period is not None:
            yield Problem(("period",), f"belongs to kind 'periodic', and this kind is '{self.kind}'; leave it out")
        if self.burst > self.within:
            given, part = SIZE.format(self.burst), SIZE.format(self.within)
            yield Problem(("burst",), f"{given} does not fit within {part} of a page; make within larger")
        if self.vcpus is not None and len(set(self.vcpus)) < len(self.vcpus):
            yield Problem(("vcpus",), "names a vCPU twice; name each once")

    @property
    def span(self) -> int:
        """Bytes from the beginning of its first page to the end of its last."""
        return self.memory + (self.memory // PAGE_BYTES - 1) * (self.stride - PAGE_BYTES)

    @property
    def accesses(self) -> float:
        """Mean accesses of a visit."""
        return self.burst / BLOCK_BYTES * self.stores * (1 + self.loads)


class HotSetsWorkload(Workload):
    """Sets of pages that are visited at a rate each, drawn on a grid of guest time whoever looks."""

    code: ClassVar[str] = f"{__name__}.accesses:HotSetAccesses"
    sampled: ClassVar[bool] = True

    kind: Literal["hot-sets"]
    """Says that this workload consists of hot sets."""
    tick: _Tick = written("100 us")
    """Step of the grid of guest time on which visits are drawn, in nanoseconds."""
    instructions_per_access: Annotated[Number, Field(ge=0.01, le=100_000)] = 4.0
    """Mean instructions from one access to the next."""
    fluctuation: Annotated[Fluctuation | None, NoneText] = None
    """How the rates of all sets change together; none (the default) leaves them as they are."""
    sets: Annotated[tuple[HotSet, ...], Field(max_length=1024), AfterValidator(_some)]
    """The sets, which lie one after the other from address 0 on; one with an `offset` lies there."""

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each set begins, in bytes from the VM's address 0."""
        offsets, end = [], 0
        for each in self.sets:
            offsets.append(end if each.offset is None else each.offset)
            end = offsets[-1] + each.span
        return tuple(offsets)

    def problems(self, scenario: Experiment) -> Iterator[Problem]:
        """Yield what does not fit into the VM, and what does not fit the tick."""
        for index, (each, offset) in enumerate(zip(self.sets, self.offsets, strict=True)):
            for problem in self._problems_of(each, offset, scenario.in_use, scenario.vm.vcpus):
                yield Problem(("workload", "sets", index, *problem.path), problem.message)
        yield from self._problems_of_tick()

    def _problems_of(self, each: HotSet, offset: int, memory: int, vcpus: int) -> Iterator[Problem]:
        if offset + each.span > memory:
            yield Problem(
                ("memory",),
                f"{SIZE.format(each.span)} from offset {SIZE.format(offset)} goes beyond the memory "
                f"in use, {SIZE.format(memory)}; make it smaller, or vm.memory or vm.in_use larger",
            )
        if each.vcpus is not None and max(each.vcpus) >= vcpus:
            yield Problem(("vcpus",), f"vCPU {max(each.vcpus)} is none of the {vcpus} of the VM, the first being 0")
        if each.period is not None and each.period % self.tick:
            yield Problem(
                ("period",),
                f"{DURATION.format(each.period)} is not a multiple of workload.tick, {DURATION.format(self.tick)}",
            )

    def _problems_of_tick(self) -> Iterator[Problem]:
        accesses = sum((each.period or self.tick) * each.visits * each.accesses for each in self.sets) / 1e9
        if accesses > MOST_ACCESSES:
            yield Problem(
                ("workload", "tick"),
                f"has {accesses:.3g} accesses in the mean, and at most {MOST_ACCESSES} are possible; make it shorter",
            )

    def instructions(self) -> Iterator[Instructions]:
        """Yield the most instructions of a record, which stands for all stores of a visit to a block."""
        most = self.instructions_per_access * (max(each.stores for each in self.sets) + 1)
        yield Instructions(("instructions_per_access",), "what is executed between two accesses", most + 1)
