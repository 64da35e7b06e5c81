"""The twins count and log as a model of one core that shares nothing with them, not even the arrays."""

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import Accesses

from .machine import LOGGED, TWINS, Geometry, Machine, examples, geometries, programs

TRACE = Path(__file__).parents[3] / "scenarios" / "traces" / "redis-set.parquet"
POWER8 = Geometry(l1=(64, 8), l2=(512, 8), line_shift=1, log_lines=20_000)

#: A line's flags by line number, the least recently used line first.
Set: TypeAlias = OrderedDict[int, set[str]]


class Oracle:
    """One core in first mode, its caches written as ordered dictionaries."""

    def __init__(self, l1: tuple[int, int], l2: tuple[int, int]) -> None:
        self.l1_ways, self.l2_ways = l1[1], l2[1]
        self.l1: list[Set] = [OrderedDict() for _ in range(l1[0])]
        self.l2: list[Set] = [OrderedDict() for _ in range(l2[0])]
        self.logged: list[int] = []
        self.counts = dict.fromkeys(["L1_LOAD_MISSES", "L2_MISSES", "WRITEBACKS", "DIRTIED", "LOG_CASTOUT"], 0)
        self.counts |= {"ACCESSES": 0, "STORES": 0, "LOG_SCAN": 0}

    def access(self, line: int, write: bool) -> None:
        l1 = self.l1[line % len(self.l1)]
        hit = line in l1
        if hit:
            l1.move_to_end(line)
        self.counts["ACCESSES"] += 1
        self.counts["STORES"] += write
        self.counts["L1_LOAD_MISSES"] += not hit and not write
        if write or not hit:
            flags = self.look_up(line)
            self.counts["DIRTIED"] += write and "dirty" not in flags
            flags |= {"dirty", "flagged"} if write else set()
        if not write and not hit:
            if len(l1) == self.l1_ways:
                l1.popitem(last=False)
            l1[line] = set()

    def look_up(self, line: int) -> set[str]:
        l2 = self.l2[line % len(self.l2)]
        if line not in l2:
            self.counts["L2_MISSES"] += 1
            if len(l2) == self.l2_ways:
                self.cast_out(*l2.popitem(last=False))
            l2[line] = set()
        l2.move_to_end(line)
        return l2[line]

    def cast_out(self, line: int, flags: set[str]) -> None:
        self.l1[line % len(self.l1)].pop(line, None)
        self.counts["WRITEBACKS"] += "dirty" in flags
        if "flagged" in flags:
            self.log(line, "LOG_CASTOUT")

    def scan(self) -> None:
        for l2 in self.l2:
            for line, flags in reversed(l2.items()):
                if "flagged" in flags:
                    flags.remove("flagged")
                    self.log(line, "LOG_SCAN")

    def log(self, line: int, cause: str) -> None:
        self.counts[cause] += 1
        self.logged.append(line)


def assert_same_counts(oracle: Oracle, machine: Machine) -> None:
    unmodelled = {"L3_HITS", "LOG_WRITE_FS"}
    assert {name: count for name, count in machine.counters().items() if name not in unmodelled} == {
        name: count for name, count in oracle.counts.items() if count
    }
    assert machine.logged() == oracle.logged


@pytest.mark.parametrize("twin", TWINS, ids=["reference", "kernel"])
@given(data=st.data(), geometry=geometries(max_cores=1, log_lines=128, leavings=LOGGED), runs=st.integers(1, 4))
@examples(60)
def test_random_programs(twin: ModuleType, data: st.DataObject, geometry: Geometry, runs: int) -> None:
    machine, oracle = Machine(twin, geometry), Oracle(geometry.l1, geometry.l2)
    for _ in range(runs):
        (program,) = data.draw(programs(geometry), "program")
        program = [record._replace(times=record.times % 3 + 1) for record in program]
        machine.run(program)
        for record in program:
            for _ in range(record.times):
                oracle.access(record.line, record.write)
        machine.scan()
        oracle.scan()
    assert_same_counts(oracle, machine)


@pytest.mark.parametrize("sets", [POWER8.l2[0], 32])
def test_first_records_of_a_redis_trace(sets: int) -> None:
    table = pq.ParquetFile(TRACE).read_row_group(0).slice(0, 200_000)
    columns = {name: table[name].to_numpy() for name in ("block", "write", "count", "instructions")}
    lines = columns["block"] >> POWER8.line_shift
    machine = Machine(kernel, replace(POWER8, l2=(sets, 8), lines=int(lines.max()) + 1))
    oracle = Oracle(POWER8.l1, (sets, 8))
    for part in np.array_split(np.arange(len(lines)), 8):
        machine.program = Accesses(
            block=columns["block"][None, part].astype(np.uint32),
            write=columns["write"][None, part].astype(np.uint8),
            count=columns["count"][None, part].astype(np.uint32),
            instructions=columns["instructions"][None, part].astype(np.uint32),
            length=np.array([len(part)]),
        )
        machine.start[:] = 0
        machine.advance()
        for line, write, times in zip(
            lines[part].tolist(), columns["write"][part].tolist(), columns["count"][part].tolist(), strict=True
        ):
            for _ in range(times):
                oracle.access(line, write)
        machine.scan()
        oracle.scan()
    assert oracle.counts["WRITEBACKS"] > 0
    assert_same_counts(oracle, machine)
