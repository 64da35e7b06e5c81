"""A vCPU that has nothing to do before some guest time idles until then."""

from collections.abc import Iterator, Sequence

import pytest
from programs import Program, Record, virtual_machine

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.traces.accesses import AccessChunk

#: Numbers of the records of a chunk begin at multiples of this.
STEP = 16
QUANTUM = 1 << 20


class Ticks:
    """A chunk of so many records of line 0, which take a nanosecond an instruction, for each tick of 100 ns."""

    vcpus: Sequence[Sequence[Record]] = ((Record(0),),)

    def __init__(self, *records: int, instructions: int = 1) -> None:
        self._records, self._instructions = records, instructions

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        ticks, within = divmod(first, STEP)
        for tick in range(ticks, len(self._records)):
            program = Program([Record(0, instructions=self._instructions)] * self._records[tick], cut=STEP)
            for chunk in program.chunks(vcpu, within if tick == ticks else 0):
                yield chunk._replace(first=chunk.first + tick * STEP, not_before_ns=100 * tick)


def ready(*records: int, instructions: int = 1) -> VirtualMachine:
    """Return a VM with the line in its cache, running from instant 0 on, guest time being 0."""
    vm = virtual_machine(Program([Record(0)]))
    vm.resume(0)
    vm.advance_to(1_000, QUANTUM)
    vm.pause(1_000)
    vm.load(Ticks(*records, instructions=instructions), (0,), 0, 0)
    vm.resume(0)
    return vm


def begun(vm: VirtualMachine, horizon_ns: int) -> int:
    """Return the records that begin from now up to an instant."""
    before = vm.accesses
    assert vm.advance_to(horizon_ns, QUANTUM).time_ns == horizon_ns
    return vm.accesses - before


def test_records_begin_when_their_tick_does() -> None:
    vm = ready(3, 4, 5)
    assert [begun(vm, horizon) for horizon in (1, 2, 50, 100, 101, 200, 1_000)] == [1, 1, 1, 0, 1, 3, 5]


def test_one_that_is_behind_does_not_idle() -> None:
    vm = ready(2, 2, 2, instructions=80)
    assert [begun(vm, horizon) for horizon in (1, 81, 161, 241, 321, 401, 900)] == [1, 1, 1, 1, 1, 1, 0]


def test_a_pause_delays_what_is_not_to_begin_before_some_guest_time() -> None:
    vm = ready(1, 1)
    assert begun(vm, 60) == 1
    vm.pause(60)
    vm.resume(90)
    assert begun(vm, 130) == 0
    assert begun(vm, 131) == 1


@pytest.mark.parametrize(("at", "service", "begins"), [(20, 30, 100), (20, 80, 100), (20, 95, 115), (60, 60, 120)])
def test_idle_time_is_spent_on_requests(at: int, service: int, begins: int) -> None:
    vm = ready(1, 1)
    assert begun(vm, at) == 1
    vm.occupy(0, service, at)
    assert begun(vm, begins) == 0
    assert begun(vm, begins + 1) == 1


def test_requests_queue_in_idle_time_even_across_a_pause() -> None:
    vm = ready(1, 1)
    assert begun(vm, 10) == 1
    vm.occupy(0, 60, 10)
    vm.pause(20)
    vm.resume(320)  # guest time 20
    vm.occupy(0, 60, 330)  # until guest time 130, after what came before
    assert begun(vm, 430) == 0
    assert begun(vm, 431) == 1


def test_a_request_to_a_busy_vcpu_comes_before_its_next_record() -> None:
    vm = ready(10, 1)
    assert begun(vm, 4) == 4
    vm.occupy(0, 30, 4)
    assert begun(vm, 34) == 0
    assert begun(vm, 100) == 6


@pytest.mark.parametrize("horizon", [2, 50, 100, 102, 150])
def test_the_state_can_be_taken_up_elsewhere(horizon: int) -> None:
    vm = ready(3, 4, 5)
    done = begun(vm, horizon)
    vm.pause(horizon)
    positions = vm.positions
    vm.load(Ticks(3, 4, 5), positions, horizon, 5_000)
    vm.resume(5_000)
    assert begun(vm, 6_000) == 12 - done


class Naps(Ticks):
    """Records of a nanosecond; each of these idles so long before it begins."""

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        for record in range(first, len(self._records)):
            (chunk,) = Program([Record(0)] * (record + 1), cut=1).chunks(vcpu, record)
            yield chunk._replace(idle_ns=self._records[record])


def napping(*naps: int) -> VirtualMachine:
    vm = ready(1)
    vm.pause(0)
    vm.load(Naps(*naps), (0,), 0, 0)
    vm.resume(0)
    return vm


def test_idle_time_comes_after_the_record_before() -> None:
    vm = napping(0, 0, 50, 0, 10**9, 0)
    assert [begun(vm, horizon) for horizon in (2, 52, 53, 54, 10**9 + 54, 10**9 + 99)] == [2, 0, 1, 1, 0, 2]


def test_an_idle_time_longer_than_any_run_ends_the_vcpus_work() -> None:
    vm = napping(0, 365 * 86_400 * 10**9, 0)
    assert begun(vm, 7_200 * 10**9) == 1


@pytest.mark.parametrize(("at", "pause", "begins"), [(30, 0, 101), (30, 1_000, 1_101), (100, 70, 171)])
def test_idle_time_is_guest_time(at: int, pause: int, begins: int) -> None:
    vm = napping(0, 100)
    assert begun(vm, at) == 1
    vm.pause(at)
    vm.resume(at + pause)
    assert begun(vm, begins) == 0
    assert begun(vm, begins + 1) == 1


@pytest.mark.parametrize("horizon", [1, 2, 30, 100, 101, 102, 110, 152, 153])
def test_what_is_left_of_idle_time_is_had_elsewhere(horizon: int) -> None:
    naps = (0, 100, 0, 50, 0)
    vm, other = napping(*naps), napping(*naps)
    begun(vm, horizon)
    begun(other, horizon)
    vm.pause(horizon)
    positions, waits = vm.positions, vm.waits
    vm.load(Naps(*naps), positions, horizon, 5_000, waits)
    vm.resume(5_000)
    for later in (1, 5, 60, 99, 100, 101, 120, 150, 200):
        assert begun(vm, 5_000 + later) == begun(other, horizon + later)


def test_requests_are_served_in_recorded_idle_time() -> None:
    vm = napping(0, 100)
    assert begun(vm, 20) == 1
    vm.occupy(0, 60, 20)
    vm.pause(40)
    vm.load(Naps(0, 100), vm.positions, 40, 40, vm.waits)
    vm.occupy(0, 40, 40)
    vm.resume(40)
    assert begun(vm, 101) == 0
    assert begun(vm, 102) == 1
