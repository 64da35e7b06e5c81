"""The twins do the same to every bit of the caches and of the log, whatever they are asked to do."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.cache import kernel, reference
from vmfailover.hardware.cache.state import FLAG, Register

from .machine import (
    FOREVER,
    Geometry,
    Machine,
    Record,
    assert_same,
    costs,
    examples,
    geometries,
    load,
    programs,
    store,
)

#: Does something to a machine and returns what the twin answered.
Operation = Callable[[Machine], Any]


def run(machine: Machine, program: list[list[Record]], time: int, quantum: int) -> Any:
    machine.give(program)
    return resume(machine, time, quantum)


def resume(machine: Machine, time: int, quantum: int) -> Any:
    stop = machine.advance(int(machine.state.clock.min()) + time, quantum)
    return stop, machine.start.tolist()


def scan(machine: Machine, core: int, limits: list[int]) -> Any:
    """Scan, and go on from where it stopped after each new limit."""
    reached = [machine.scan(core)]
    for limit in limits:
        machine.log.registers[machine.state.owner[core], Register.LIMIT] = limit
        reached.append(machine.scan(core, reached[-1]))
    return reached


def consume(machine: Machine, vm: int, limit: int) -> None:
    registers = machine.log.registers[vm]
    registers[Register.TAIL] = registers[Register.NEXT]
    registers[Register.LIMIT] = limit


def switch(machine: Machine, modes: list[int]) -> None:
    machine.state.mode[:] = modes


def fetch_all(machine: Machine) -> Any:
    return machine.fetch([*range(machine.geometry.lines), 0])


def flush(machine: Machine, vm: int) -> Any:
    return machine.twin.flush(machine.log, vm)


def begin_interval(machine: Machine) -> None:
    machine.state.l2[:] &= ~FLAG
    machine.state.tracked[:] = 0
    machine.state.buffered[:] = 0


def log_address(machine: Machine, vm: int, line: int) -> Any:
    return machine.twin.log_address(machine.log, vm, line * machine.geometry.line_bytes)


def write_around(machine: Machine, line: int) -> None:
    machine.twin.write_around(machine.state, np.array([line]), machine.log)


def operations(geometry: Geometry) -> st.SearchStrategy[list[Operation]]:
    """Draw a sequence of operations in which the processor runs about every other time."""
    times = st.one_of(st.integers(0, 400), st.just(FOREVER // 2))
    quanta = st.one_of(st.integers(0, 20), st.just(FOREVER))
    limits = st.one_of(st.integers(-1, 6), st.just(10**6))
    lines = st.integers(0, geometry.lines - 1)
    running = st.one_of(
        st.builds(partial, st.just(run), program=programs(geometry), time=times, quantum=quanta),
        st.builds(partial, st.just(resume), time=times, quantum=quanta),
    )
    modes = st.lists(st.integers(0, 2), min_size=geometry.cores, max_size=geometry.cores)
    cores = st.integers(0, geometry.cores - 1)
    others = st.one_of(
        st.builds(partial, st.just(scan), core=cores, limits=st.lists(limits, max_size=2)),
        st.builds(partial, st.just(consume), vm=cores, limit=limits),
        st.builds(partial, st.just(switch), modes=modes),
        st.builds(partial, st.just(log_address), vm=cores, line=lines),
        st.builds(partial, st.just(write_around), line=lines),
        st.builds(partial, st.just(flush), vm=cores),
        st.sampled_from([fetch_all, begin_interval]),
    )
    return st.lists(st.one_of(running, others), min_size=1, max_size=12)


ANY: dict[str, Any] = {"data": st.data(), "geometry": geometries(), "limit": st.sampled_from([0, 3, 40, 10**6])}


def agree(data: st.DataObject, geometry: Geometry, limit: int) -> None:
    twins = [Machine(twin, geometry, limit) for twin in (reference, kernel)]
    modes = data.draw(st.integers(0, 3**geometry.cores - 1), "modes")
    cores = st.integers(0, geometry.cores - 1)
    owners = data.draw(st.lists(cores, min_size=geometry.cores, max_size=geometry.cores), "owners")
    drawn_costs = data.draw(costs(geometry.cores), "costs")
    for machine in twins:
        machine.state.mode[:] = [modes // 3**core % 3 for core in range(geometry.cores)]
        machine.state.owner[:] = owners
        machine.state.costs[:] = drawn_costs
    for operation in data.draw(operations(geometry), "operations"):
        one, other = (operation(machine) for machine in twins)
        assert one == other
        assert_same(twins[0].arrays(), twins[1].arrays())


@given(**ANY)
@examples(60)
def test_agree_after_every_operation(data: st.DataObject, geometry: Geometry, limit: int) -> None:
    agree(data, geometry, limit)


@pytest.mark.slow
@given(**ANY)
@examples(1000)
def test_agree_after_every_operation_of_many(data: st.DataObject, geometry: Geometry, limit: int) -> None:
    agree(data, geometry, limit)


def test_agree_on_a_long_run() -> None:
    """Agree on a program long enough to fill caches of a common shape, the log wrapping many times."""
    geometry = Geometry(cores=2, l1=(4, 8), l2=(8, 8), l3=(8, 8), lines=512, line_shift=1, log_lines=4)
    chance = np.random.default_rng(1)
    lines = np.minimum(chance.geometric(0.01, (2, 6000)), 511)
    writes = chance.random((2, 6000)) < 0.4
    steps = chance.integers(0, 9, (2, 6000))
    drawn = [
        [store(line, 1, step) if write else load(line, 1, step) for line, write, step in zip(*core, strict=True)]
        for core in zip(lines.tolist(), writes.tolist(), steps.tolist(), strict=True)
    ]
    twins = [Machine(twin, geometry) for twin in (reference, kernel)]
    stops = [machine.run(*drawn) for machine in twins]
    assert stops[0] == stops[1]
    assert_same(twins[0].arrays(), twins[1].arrays())
