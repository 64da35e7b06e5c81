"""A virtual machine: its state is exact at every instant, whatever the pieces in which it gets there."""

from collections.abc import Iterator
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import (
    EXAMPLES,
    LINE_BYTES,
    LINES,
    MISS_NS,
    Program,
    Record,
    endless,
    everything,
    programs,
    virtual_machine,
)

from vmfailover.guest.placement import Placement
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.cache.state import Cost, Counter, Mode
from vmfailover.hardware.memory import MemoryRange
from vmfailover.hardware.processor import FS_PER_NS, HALTED
from vmfailover.traces.accesses import AccessChunk

QUANTUM = 1 << 20
#: VM 1 of a host, with two of its cores and the second half of its memory.
SOME_CORES = Placement(1, (1, 3), MemoryRange(LINES, LINES))


def run_to(vm: VirtualMachine, horizon_ns: int, quantum: int = QUANTUM) -> None:
    """Execute up to an instant, in as many calls as the quantum makes of it."""
    while vm.advance_to(horizon_ns, quantum).time_ns < horizon_ns:
        pass


@EXAMPLES
@given(
    data=st.data(),
    vcpus=st.integers(1, 3),
    pieces=st.lists(st.integers(0, 400), max_size=8),
    quantum=st.integers(1, 50),
)
def test_pieces_come_to_the_same_as_the_whole(data: st.DataObject, vcpus: int, pieces: list[int], quantum: int) -> None:
    program = data.draw(programs(vcpus))
    whole, cut = virtual_machine(program), virtual_machine(program)
    for vm in (whole, cut):
        vm.resume(0)
    for horizon in accumulate(pieces):
        run_to(cut, horizon, quantum)
    run_to(whole, sum(pieces))
    assert everything(cut) == everything(whole)


@pytest.mark.parametrize(
    ("instant", "done"), [(0, 0), (1, 1), (MISS_NS + 10, 1), (MISS_NS + 11, 2), (MISS_NS + 20, 2), (MISS_NS + 21, 3)]
)
def test_an_access_is_done_from_the_moment_at_which_it_begins(instant: int, done: int) -> None:
    vm = virtual_machine(endless(instructions=10))
    vm.resume(0)
    run_to(vm, instant)
    assert (vm.accesses, vm.positions, vm.instructions) == (done, (done,), 10 * done)


def test_a_pause_delays_all_that_follows() -> None:
    vm, other = (virtual_machine(endless(instructions=10)) for _ in range(2))
    for machine in (vm, other):
        machine.resume(0)
    run_to(vm, 50)
    vm.pause(50)
    vm.resume(75)
    run_to(vm, 125)
    run_to(other, 100)
    assert everything(vm) == everything(other)


class Paced(Program):
    """A program of one record a chunk, due every 100 ns."""

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        for chunk in super().chunks(vcpu, first):
            yield chunk._replace(due_ns=100 * chunk.first)


def paced(records: int = 20) -> VirtualMachine:
    """Return a VM, running, whose records take 10 ns, the first of them a miss's time more."""
    vm = virtual_machine(Paced([Record(0, instructions=10)] * records, cut=1))
    vm.resume(0)
    return vm


@pytest.mark.parametrize(("instant", "done"), [(1, 1), (100, 1), (101, 2), (200, 2), (950, 10)])
def test_an_access_waits_until_it_is_due(instant: int, done: int) -> None:
    vm = paced()
    run_to(vm, instant)
    assert vm.positions == (done,)


@pytest.mark.parametrize(("instant", "done"), [(500, 2), (501, 3), (511, 4), (521, 5), (531, 6), (600, 6), (601, 7)])
def test_accesses_that_are_late_follow_each_other(instant: int, done: int) -> None:
    """The VM stands still from 150 to 500 ns, while records 2 to 5 become due; record 6 is due at 600 ns."""
    vm = paced()
    run_to(vm, 150)
    vm.pause(150)
    vm.resume(500)
    run_to(vm, instant)
    assert vm.positions == (done,)


def test_a_pause_that_ends_before_an_access_is_due_does_not_delay_it() -> None:
    vm = paced()
    run_to(vm, 150)
    vm.pause(150)
    vm.resume(190)
    run_to(vm, 201)
    assert vm.positions == (3,)


@EXAMPLES
@given(program=programs(2), pieces=st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_a_vm_on_a_part_of_a_host_runs_as_on_a_host_of_its_own(program: Program, pieces: list[int]) -> None:
    """With another VM's log beside its own; of equal clocks the core with the lower number comes first on both."""
    own, shared = virtual_machine(program), virtual_machine(program, placement=SOME_CORES)
    for core in (0, 2):
        shared.processor.halt(core)
    for vm in (own, shared):
        vm.resume(0)
        for instant in accumulate(pieces):
            run_to(vm, instant)
            vm.pause(instant)
            vm.resume(instant)
        vm.log.set_limit()
        for core in vm.cores:
            vm.processor.scan(core, vm.log.logs, 0)
    assert shared.positions == own.positions
    assert (shared.instructions, shared.accesses) == (own.instructions, own.accesses)
    assert shared.log.read().tolist() == (own.log.read() + LINES * LINE_BYTES).tolist()
    assert shared.read_image().tolist() == own.read_image().tolist() == own.processor.image().tolist()
    assert not shared.processor.image()[:LINES].any()
    assert shared.processor.state.mode.tolist() == [Mode.UNTRACKED, Mode.FLAGS, Mode.UNTRACKED, Mode.FLAGS]
    assert not (shared.log.logs.registers[0] != 0).any()


def test_a_vm_that_stands_still_stays_at_its_guest_time_while_the_hosts_goes_on() -> None:
    vm = virtual_machine(endless(), placement=SOME_CORES)
    vm.resume(0)
    vm.pause(30)
    vm.resume(100)
    assert vm.processor.offset.tolist() == [0, 70 * FS_PER_NS, 0, 70 * FS_PER_NS]
    assert vm.processor.state.clock.tolist() == vm.processor.offset.tolist()
    assert vm.guest_ns(110) == 40


def test_a_vcpu_that_has_ended_stays_so_when_its_vm_has_stood_still() -> None:
    vm = virtual_machine(Program([Record(0)]))
    vm.resume(0)
    run_to(vm, 100)
    vm.pause(100)
    vm.resume(10**12)
    assert vm.processor.state.clock.tolist() == [HALTED]
    run_to(vm, 10**12 + 100)
    assert vm.positions == (1,)


def test_a_vm_runs_when_every_pause_is_taken_back() -> None:
    vm = virtual_machine(endless())
    states = [vm.running]
    for step in (vm.resume, vm.pause, vm.pause, vm.resume, vm.resume):
        step(10)
        states.append(vm.running)
    assert states == [False, True, False, False, False, True]


def test_nested_pauses_make_one_gap_between_spans() -> None:
    vm = virtual_machine(endless())
    for step, instant in (
        (vm.resume, 5),
        (vm.pause, 10),
        (vm.pause, 20),
        (vm.resume, 30),
        (vm.resume, 40),
        (vm.pause, 70),
    ):
        step(instant)
    assert vm.spans == [(5, 10), (40, 70)]
    assert vm.guest_ns(1000) == 35


def test_whoever_asked_is_told_of_each_start_and_of_no_other_resume() -> None:
    vm = virtual_machine(endless())
    told: list[bool] = []
    vm.on_resume.append(lambda: told.append(vm.running))
    for step in (vm.resume, vm.pause, vm.pause, vm.resume, vm.resume):
        step(0)
    assert told == [True, True]


@EXAMPLES
@given(start=st.integers(0, 1000), before=st.integers(0, 1000), gaps=st.lists(st.integers(0, 100), max_size=12))
def test_guest_time_is_the_time_in_which_the_vm_ran(start: int, before: int, gaps: list[int]) -> None:
    vm = virtual_machine(endless())
    vm.load(endless(), (0,), before, start)
    now, ran = start, before
    for gap in gaps:
        now += gap
        ran += gap if vm.running else 0
        assert vm.guest_ns(now) == ran
        (vm.pause if vm.running else vm.resume)(now)
    if vm.running:
        vm.pause(now)
    assert sum(end - begin for begin, end in vm.spans) == ran - before


@EXAMPLES
@given(guest_ns=st.integers(0, 10_000), gap=st.integers(0, 1000))
def test_instant_is_the_inverse_of_guest_time(guest_ns: int, gap: int) -> None:
    vm = virtual_machine(endless())
    vm.resume(0)
    vm.pause(300)
    vm.resume(300 + gap)
    assert vm.guest_ns(vm.instant(guest_ns)) == guest_ns


def test_a_vm_is_loaded_stopped_in_first_mode_at_its_guest_time() -> None:
    vm = virtual_machine(endless())
    vm.load(endless(), (7,), 500, 2000)
    assert not vm.running
    assert (vm.positions, vm.guest_ns(9999)) == ((7,), 500)
    assert vm.processor.state.mode.tolist() == [1]
    vm.resume(2100)
    assert vm.guest_ns(2101) == 501
    run_to(vm, 2101)
    assert vm.positions == (8,)


@pytest.mark.parametrize("position", [0, 13])
def test_a_loaded_vm_goes_on_where_it_was_captured(position: int) -> None:
    program = Program([Record(line, write=True) for line in range(40)])
    vm = virtual_machine(program)
    vm.load(program, (position,), 0, 0)
    vm.resume(0)
    run_to(vm, 10_000)
    assert vm.positions == (40,)
    assert vm.processor.count(Counter.STORES) == 40 - position


def test_a_vm_whose_program_has_ended_halts_and_time_goes_on() -> None:
    vm = virtual_machine(Program([Record(1)], [Record(2)] * 5))
    vm.resume(0)
    assert vm.advance_to(10_000, QUANTUM).time_ns == 10_000
    assert vm.positions == (1, 5)
    before = everything(vm)
    assert vm.advance_to(20_000, QUANTUM).time_ns == 20_000
    assert everything(vm) == before


def test_a_quantum_ends_in_the_nanosecond_of_the_next_access() -> None:
    vm = virtual_machine(endless(instructions=10))
    vm.resume(500)
    reached = vm.advance_to(10_000, 3)
    assert (reached.time_ns, reached.needs_log) == (500 + MISS_NS + 30, False)
    assert vm.positions == (3,)


def test_the_log_stops_the_vm_before_its_guard_band() -> None:
    vm = virtual_machine(endless(LINES, write=True), log_lines=4, guard_band=20, request_entries=6)
    vm.resume(0)
    assert not vm.needs_log
    reached = vm.advance_to(10**9, QUANTUM)
    assert reached.needs_log
    assert reached.time_ns < 10**9
    assert vm.needs_log
    assert vm.log.free_entries == 20 + 6
    assert vm.advance_to(10**9, QUANTUM) == reached


def test_the_log_needs_room_for_one_address_from_each_core_beside_its_reserve() -> None:
    vm = virtual_machine(Program([Record(1)], [Record(2)]), log_lines=4, guard_band=20, request_entries=6)
    for address in range(vm.log.free_entries - 20 - 6 - 2):
        vm.log.append(address)
    assert not vm.needs_log
    vm.log.append(0)
    assert vm.needs_log


def test_a_vm_goes_on_when_its_log_has_room() -> None:
    vm = virtual_machine(endless(LINES, write=True), log_lines=4)
    vm.resume(0)
    position = -1
    for _ in range(3):
        stopped = vm.advance_to(10**9, QUANTUM)
        assert stopped.needs_log
        assert position < (position := vm.positions[0])
        vm.log.read()
        vm.log.release(vm.log.next)
        assert not vm.needs_log


def test_two_machines_contend_for_memory_and_keep_account() -> None:
    alone, beside = (virtual_machine(endless(LINES)) for _ in range(2))
    for vm in (alone, beside):
        vm.resume(0)
    run_to(alone, 2100)
    cost = beside.processor.state.costs[0, Cost.MEMORY]
    with beside.contended(3.0):
        assert beside.processor.state.costs[0, Cost.MEMORY] == 3 * cost
        run_to(beside, 2 * MISS_NS * 100 + 2100)
    assert alone.positions == beside.positions == (100,)
    assert beside.contention_ns == 2 * MISS_NS * 100
    assert alone.contention_ns == 0
    assert beside.processor.state.costs[0, Cost.MEMORY] == cost


def test_contention_ends_with_the_thread_that_makes_it() -> None:
    vm = virtual_machine(endless())
    cost = vm.processor.state.costs[0, Cost.MEMORY]
    with pytest.raises(KeyError), vm.contended(2.0):
        raise KeyError
    assert vm.processor.state.costs[0, Cost.MEMORY] == cost


def test_a_workload_sets_the_parallelism_of_its_misses() -> None:
    vm = virtual_machine(Program([Record(line) for line in range(10)], parallelism=1.0))
    vm.resume(0)
    run_to(vm, 2 * 81)
    assert vm.positions == (2,)
