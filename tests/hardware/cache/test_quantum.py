"""However a run is cut into calls, it ends in the same state."""

from itertools import pairwise
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.cache.state import Register, Stop, Why

from .machine import TWINS, Geometry, Machine, Record, assert_same, costs, examples, geometries, programs

both_twins = pytest.mark.parametrize("twin", TWINS, ids=["reference", "kernel"])


class Run:
    """A program, and the machines that it can be run on time and again."""

    def __init__(self, data: st.DataObject, twin: ModuleType, geometry: Geometry) -> None:
        self.twin, self.geometry = twin, geometry
        self.costs: list[list[int]] = data.draw(costs(geometry.cores), "costs")
        self.programs: list[list[Record]] = data.draw(programs(geometry), "programs")

    def machine(self, limit: int = 10**6) -> Machine:
        machine = Machine(self.twin, self.geometry, limit)
        machine.state.costs[:] = self.costs
        machine.give(self.programs)
        return machine


def in_quanta(machine: Machine, quantum: int) -> Stop:
    while (stop := machine.advance(quantum=quantum)).why == Why.QUANTUM:
        pass
    return stop


def assert_same_machines(one: Machine, other: Machine) -> None:
    assert one.start.tolist() == other.start.tolist()
    assert_same(one.arrays(), other.arrays())


@both_twins
@given(data=st.data(), geometry=geometries())
@examples(60)
def test_any_quantum(twin: ModuleType, data: st.DataObject, geometry: Geometry) -> None:
    run = Run(data, twin, geometry)
    whole = run.machine()
    whole.advance()
    for quantum in (1, 64, 4096):
        machine = run.machine()
        assert in_quanta(machine, quantum).why == Why.EXHAUSTED
        assert_same_machines(machine, whole)


@both_twins
@given(data=st.data(), geometry=geometries(), cuts=st.lists(st.integers(0, 2_000), min_size=2, max_size=6).map(sorted))
@examples(60)
def test_any_split_of_the_deadline(twin: ModuleType, data: st.DataObject, geometry: Geometry, cuts: list[int]) -> None:
    run = Run(data, twin, geometry)
    whole, parts = run.machine(), run.machine()
    stop = whole.advance(cuts[-1])
    stops = [parts.advance(deadline) for deadline in cuts]
    assert (stops[-1].why, stops[-1].core, stops[-1].next) == (stop.why, stop.core, stop.next)
    assert_same_machines(parts, whole)
    assert all(before.next <= after.next for before, after in pairwise(stops) if before.core == after.core)


@both_twins
@given(data=st.data(), geometry=geometries())
@examples(60)
def test_any_number_of_stops_at_the_limit(twin: ModuleType, data: st.DataObject, geometry: Geometry) -> None:
    run = Run(data, twin, geometry)
    whole, halting = run.machine(), run.machine(limit=0)
    whole.advance()
    while halting.advance().why == Why.LOG_LIMIT:
        halting.registers[Register.LIMIT] += 1
    whole.log.registers[:, Register.LIMIT] = halting.log.registers[:, Register.LIMIT]
    assert_same_machines(halting, whole)
