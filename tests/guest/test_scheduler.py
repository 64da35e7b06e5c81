"""The scheduler: whoever looks at a VM, at whatever instant, finds it exactly there."""

from functools import partial
from typing import Any

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from programs import EXAMPLES, LINES, MISS_NS, Program, Record, endless, everything, programs, virtual_machine

from vmfailover.guest.scheduler import LEAST_LOOKAHEAD_NS, LastTimeout, Scheduler
from vmfailover.guest.virtual_machine import Reached, VirtualMachine
from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import FS_PER_NS, Tracking

#: No access of these tests takes longer: a miss with its instructions.
LONGEST_ACCESS_NS = MISS_NS + 40
#: What processors note for a protocol without a log.
UNLOGGED = Tracking(Mode.FIRST_STORES, Leaving.FORGET)
GAPS = st.lists(st.integers(1, 300), min_size=1, max_size=10)


def scheduled(*machines: VirtualMachine, quantum: int = 1 << 20, latency_ns: int = 1000) -> simpy.Environment:
    """Return an environment in which these machines run."""
    env = simpy.Environment()
    scheduler = Scheduler(env, quantum, latency_ns)
    for vm in machines:
        scheduler.add(vm)
        vm.resume(0)
    return env


def reached_ns(vm: VirtualMachine) -> int:
    """Return the instant up to which a running VM has executed, the access under way included."""
    return int(vm.processor.state.clock.min()) // FS_PER_NS


def exactly(program: Program, instant: int) -> dict[str, object]:
    """Return what a VM knows that has run to an instant in one go."""
    vm = virtual_machine(program)
    vm.resume(0)
    vm.advance_to(instant, 1 << 20)
    return everything(vm)


@EXAMPLES
@given(program=programs(2, most=30), gaps=GAPS, quantum=st.integers(1, 40))
def test_a_vm_is_where_it_belongs_at_every_event(program: Program, gaps: list[int], quantum: int) -> None:
    vm = virtual_machine(program)
    env = scheduled(vm, quantum=quantum)

    def look() -> Any:
        for gap in gaps:
            yield env.timeout(gap)
            assert everything(vm) == exactly(program, int(env.now))

    env.run(env.process(look()))
    assert env.now == sum(gaps)


@EXAMPLES
@given(gaps=GAPS)
def test_a_vm_never_passes_the_next_event(gaps: list[int]) -> None:
    vm = virtual_machine(endless(LINES, instructions=40))
    env = scheduled(vm)
    due = [sum(gaps[:count]) for count in range(1, len(gaps) + 1)]
    for instant in (*due, 1_000_000):
        env.timeout(instant)
    for instant in due:
        while env.peek() < instant:
            env.step()
            assert reached_ns(vm) < instant + LONGEST_ACCESS_NS
        while env.peek() == instant:
            env.step()


@pytest.mark.parametrize("latency_ns", [1, 1000, 1700])
def test_two_machines_that_a_log_may_stop_stay_close_together(latency_ns: int) -> None:
    machines = [virtual_machine(endless(LINES, instructions=steps), log_lines=2) for steps in (1, 40)]
    env = scheduled(*machines, latency_ns=latency_ns)
    env.timeout(5000)
    steps = 0
    while env.now < 5000:
        env.step()
        steps += 1
        for vm in machines:
            assert reached_ns(vm) <= env.now + max(latency_ns, LEAST_LOOKAHEAD_NS) + LONGEST_ACCESS_NS
    assert [vm.positions for vm in machines] == [(5000 // 21 + 1,), (5000 // 60 + 1,)]
    assert steps < 15


@pytest.mark.parametrize("quantum", [1, 50, 1 << 20])
def test_two_machines_without_a_log_run_to_the_next_event_whatever_the_latency(quantum: int) -> None:
    machines = [virtual_machine(endless(LINES, instructions=steps), UNLOGGED) for steps in (1, 40)]
    env = scheduled(*machines, quantum=quantum, latency_ns=1)
    for instant in (2000, 5000):
        env.timeout(instant - int(env.now))
        steps = 0
        while env.now < instant:
            env.step()
            steps += 1
        assert steps < 10 + 5000 // quantum
        assert [vm.positions for vm in machines] == [(instant // 21 + 1,), (-(-instant // 60),)]


def test_one_machine_needs_one_event_however_long_it_runs() -> None:
    env = scheduled(virtual_machine(endless()))
    env.timeout(15_000)
    steps = 0
    while env.now < 15_000:
        env.step()
        steps += 1
    assert steps < 10


def test_a_vm_that_is_resumed_goes_on() -> None:
    vm = virtual_machine(endless(instructions=10))
    env = scheduled(vm)
    for instant, step in ((45, vm.pause), (60, vm.resume)):
        env.run(until=instant)
        step(instant)
    env.run(until=80)
    assert vm.positions == (5,)
    assert vm.guest_ns(80) == 65


def limited(quantum: int, relief: int) -> tuple[list[int], dict[str, object]]:
    """Run a VM with a small log that is emptied some time after each interrupt; return their instants."""
    vm = virtual_machine(endless(LINES, write=True), log_lines=4, guard_band=10)
    env = scheduled(vm, quantum=quantum)
    interrupts: list[int] = []

    def empty() -> Any:
        yield env.timeout(relief)
        vm.log.read()
        vm.log.release(vm.log.next)
        vm.resume(int(env.now))

    def interrupt() -> None:
        interrupts.append(int(env.now))
        vm.pause(int(env.now))
        env.process(empty())

    vm.on_log_limit = interrupt
    env.run(until=12_000)
    return interrupts, everything(vm)


@pytest.mark.parametrize("quantum", [1, 7, 4096])
def test_the_log_interrupts_at_the_same_instants_for_any_quantum(quantum: int) -> None:
    interrupts, end = limited(quantum, relief=500)
    assert len(interrupts) > 2
    assert (interrupts, end) == limited(1 << 20, relief=500)


def test_a_vm_stopped_by_something_else_is_not_interrupted() -> None:
    vm = virtual_machine(endless(LINES, write=True), log_lines=4)
    env = scheduled(vm)
    instant = vm.advance_to(20_000, 1 << 20).time_ns
    interrupts: list[float] = []
    vm.on_log_limit = lambda: interrupts.append(env.now)

    def pause() -> Any:
        yield env.timeout(instant)
        vm.pause(int(env.now))

    env.process(pause())
    env.run(until=20_000)
    assert 0 < instant < 20_000
    assert vm.needs_log
    assert interrupts == []


def test_a_last_timeout_comes_after_all_else_of_its_instant() -> None:
    env = simpy.Environment()
    order: list[str] = []

    def last() -> Any:
        yield LastTimeout(env, 10)
        order.append("last")

    def other() -> Any:
        yield env.timeout(10)
        order.append("first")
        yield env.timeout(0)
        order.append("second")

    env.process(last())
    env.process(other())
    env.run()
    assert order == ["first", "second", "last"]


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("l3", [None, {"size": "64 KiB", "ways": 2, "latency": "2 cycles"}])
def test_a_log_lasts_as_long_as_is_said_if_all_is_written_as_fast_as_can_be(
    cores: int, l3: dict[str, object] | None
) -> None:
    stores = [Record(line, write=True, instructions=0) for line in range(LINES)] * 50
    vm = virtual_machine(Program(*[stores] * cores, cut=5000), log_lines=64, guard_band=7, l3=l3)
    vm.resume(0)
    vm.advance_to(LINES * MISS_NS, LINES * cores)
    now = reached_ns(vm)
    turns = 0
    while lasts_ns := vm.log_lasts_ns:
        now += lasts_ns
        assert vm.advance_to(now, 1 << 20) == Reached(now)
        turns += 1
    assert 1 <= turns < 60
    assert vm.log.free_entries <= 7 + 3 * cores * cores
    assert vm.advance_to(now + 10_000, 1 << 20).needs_log


def test_machines_whose_logs_have_room_run_on_together() -> None:
    machines = [virtual_machine(endless(LINES, write=True), log_lines=1 << 12) for _ in range(2)]
    assert machines[0].log_lasts_ns > 500_000
    env = scheduled(*machines, latency_ns=1)
    env.timeout(500_000)
    steps = 0
    while env.now < 500_000:
        env.step()
        steps += 1
    assert steps < 10


@pytest.mark.parametrize("log_lines", [4, 64])
def test_two_machines_are_interrupted_where_each_alone_is(log_lines: int) -> None:
    def interrupts(*steps: int) -> list[tuple[int, int]]:
        machines = [virtual_machine(endless(LINES, write=True, instructions=n), log_lines=log_lines) for n in steps]
        env = scheduled(*machines)
        seen: list[tuple[int, int]] = []

        def note(n: int, vm: VirtualMachine) -> None:
            seen.append((n, int(env.now)))
            vm.log.read()
            vm.log.release(vm.log.next)

        for n, vm in zip(steps, machines, strict=True):
            vm.on_log_limit = partial(note, n, vm)
        env.run(until=200_000)
        return sorted(seen)

    alone = [*interrupts(3), *interrupts(17)]
    assert len(alone) > 4
    assert interrupts(3, 17) == interrupts(17, 3) == alone


@pytest.mark.parametrize("standing", [0, 300])
def test_a_turn_costs_nothing_for_machines_that_stand_still(standing: int) -> None:
    machines = [virtual_machine(endless(instructions=10)) for _ in range(standing + 1)]
    env = scheduled(*machines)
    for vm in machines[1:]:
        vm.pause(0)
    looked_at = []

    class Watched(VirtualMachine):
        @property
        def running(self) -> bool:
            looked_at.append(self)
            return super().running

    for vm in machines[1:]:
        vm.__class__ = Watched
    env.run(until=1000)
    assert looked_at == []
    assert machines[0].positions == (98,)
