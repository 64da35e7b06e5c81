"""Cores of several VMs on one processor: each logs to the log of its own VM, in both twins."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.cache import kernel, reference
from vmfailover.hardware.cache.state import Leaving, Mode, Register, Why

from .machine import LOGGED, Geometry, Machine, examples, load, store

twins = pytest.mark.parametrize("twin", [reference, kernel], ids=["reference", "kernel"])

#: VM 0 has cores 0 and 1, VM 1 has cores 2 and 3; VM 0's lines are the lower half of the memory.
OWNERS = (0, 0, 1, 1)
LINES = 32
HALF = LINES // 2


def machine_of_two(
    twin: ModuleType, leaving: Leaving = Leaving.LOG, modes: tuple[Mode, Mode] = (Mode.FLAGS, Mode.FLAGS)
) -> Machine:
    """Return four cores of two VMs whose stores do what `modes` says for each VM."""
    machine = Machine(twin, Geometry(cores=4, l2=(2, 2), l3=(2, 2), lines=LINES, leaving=leaving))
    machine.state.owner[:] = OWNERS
    machine.state.mode[:] = [modes[vm] for vm in OWNERS]
    return machine


def scan_all(machine: Machine) -> None:
    for core in range(4):
        machine.scan(core)


#: A program for each core: lines within its VM's half, and whether to store.
ACCESSES = st.lists(st.tuples(st.integers(0, HALF - 1), st.booleans()), max_size=30)
PROGRAMS = st.tuples(ACCESSES, ACCESSES, ACCESSES, ACCESSES)
Programs = tuple[list[tuple[int, bool]], ...]


def run(machine: Machine, programs: Programs) -> None:
    records = [
        [(store if write else load)(line + HALF * vm) for line, write in program]
        for vm, program in zip(OWNERS, programs, strict=True)
    ]
    for core, program in enumerate(records):
        machine.on(core, *program)
    scan_all(machine)


def stored(programs: Programs, vm: int) -> set[int]:
    """Return the lines that a VM has stored to."""
    mine = [program for owner, program in zip(OWNERS, programs, strict=True) if owner == vm]
    return {line + HALF * vm for program in mine for line, write in program if write}


@twins
@given(programs=PROGRAMS, leaving=st.sampled_from(LOGGED))
@examples(60)
def test_a_log_has_its_own_vms_stores_all_of_them_and_no_other(
    twin: ModuleType, programs: Programs, leaving: Leaving
) -> None:
    machine = machine_of_two(twin, leaving)
    run(machine, programs)
    for vm in (0, 1):
        assert set(machine.logged(vm)) == stored(programs, vm)


@twins
@given(programs=PROGRAMS)
@examples(60)
def test_a_vm_that_is_not_protected_logs_nothing(twin: ModuleType, programs: Programs) -> None:
    machine = machine_of_two(twin, modes=(Mode.UNTRACKED, Mode.FLAGS))
    run(machine, programs)
    assert machine.logged(0) == []
    assert set(machine.logged(1)) == stored(programs, 1)


@twins
def test_what_a_device_writes_is_logged_for_the_vm_whose_core_had_flagged_it(twin: ModuleType) -> None:
    machine = machine_of_two(twin)
    machine.on(0, store(1))
    machine.on(2, store(HALF))
    twin.write_around(machine.state, np.array([HALF, 1]), machine.log)
    assert (machine.logged(0), machine.logged(1)) == ([1], [HALF])


@twins
@pytest.mark.parametrize(("vm", "why"), [(0, Why.LOG_LIMIT), (1, Why.EXHAUSTED)])
def test_only_its_own_vms_full_log_stops_a_core(twin: ModuleType, vm: int, why: Why) -> None:
    machine = machine_of_two(twin)
    machine.log.registers[vm, Register.LIMIT] = 0
    assert machine.on(0, store(0), store(2), store(4)).why == why  # the third casts out the first of a set of two
    assert machine.logged(0) == ([0] if why == Why.EXHAUSTED else [])


@twins
def test_only_its_own_vms_full_log_stops_a_transfer_or_a_scan(twin: ModuleType) -> None:
    machine = machine_of_two(twin)
    machine.on(0, store(0))
    machine.on(2, store(HALF))
    machine.log.registers[1, Register.LIMIT] = 0
    assert machine.on(1, store(0)).why == Why.EXHAUSTED
    assert machine.on(3, store(HALF)).why == Why.LOG_LIMIT
    assert (machine.scan(1), machine.scan(2)) == (2, 0)
    assert (machine.logged(0), machine.logged(1)) == ([0, 0], [])


@twins
def test_what_no_other_core_logs_needs_no_room(twin: ModuleType) -> None:
    machine = Machine(twin, Geometry(cores=2, l2=(2, 2), lines=LINES), limit=0)
    machine.on(1, load(3))
    assert machine.on(0, store(3)).why == Why.EXHAUSTED
    assert machine.on(1, store(3)).why == Why.LOG_LIMIT
