"""What holds for every program on every hierarchy."""

from collections import Counter as Tally
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.hardware.cache import kernel, reference
from vmfailover.hardware.cache.state import VERSION_MODULUS, CacheState, Counter, Why

from .machine import LOGGED, Geometry, Machine, Record, decode_program, examples, geometries, programs

#: So many collecting lines that the log of no program here wraps.
ROOMY = 512


class Story:
    """A machine, and what has been done to each of its lines."""

    def __init__(self, twin: ModuleType, geometry: Geometry) -> None:
        self.machine = Machine(twin, geometry)
        self.writes: Tally[int] = Tally()
        #: How many entries the log had when a line was last stored to in first mode.
        self.logged_before: dict[int, int] = {}
        self.accesses = 0

    def run(self, programs: list[list[Record]]) -> None:
        """Run the programs record by record."""
        self.machine.give(programs)
        core = self.machine.advance(quantum=0).core
        while (stop := self.machine.advance(quantum=1)).why == Why.QUANTUM:
            self.note(core, programs[core][self.machine.start[core] - 1])
            core = stop.core

    def note(self, core: int, record: Record) -> None:
        self.accesses += record.times
        if record.write:
            self.writes[record.line] += record.times
            if self.machine.state.mode[core]:
                self.logged_before[record.line] = self.entries()

    def entries(self) -> int:
        causes = [Counter.LOG_CASTOUT, Counter.LOG_SCAN, Counter.LOG_TRANSFER]
        return int(self.machine.state.counters[causes].sum())

    def write_around(self, line: int) -> None:
        self.machine.twin.write_around(self.machine.state, np.array([line]), self.machine.log)
        self.writes[line] += 1


def all_rows(machine: Machine) -> list[tuple[int, int, str]]:
    cores, sets = machine.geometry.cores, machine.geometry.l2[0]
    return [row for core in range(cores) for index in range(sets) for row in machine.rows(core, index)]


def accesses_are_counted(story: Story) -> None:
    assert story.machine.state.counters[Counter.ACCESSES] == story.accesses


def what_became_dirty_was_written_back_or_still_is(story: Story) -> None:
    counters = story.machine.state.counters
    dirty = sum("D" in flags for _, _, flags in all_rows(story.machine))
    assert counters[Counter.DIRTIED] == counters[Counter.WRITEBACKS] + dirty


def no_address_is_lost(story: Story) -> None:
    flagged = {line for line, _, flags in all_rows(story.machine) if "F" in flags}
    logged = story.machine.logged()
    assert all(line in flagged or line in logged[before:] for line, before in story.logged_before.items())


def log_entries_are_counted(story: Story) -> None:
    assert story.entries() == len(story.machine.logged())


def every_copy_has_every_write(story: Story) -> None:
    lines = range(story.machine.geometry.lines)
    newest = [story.writes[line] % VERSION_MODULUS for line in lines]
    assert story.machine.fetch(lines)[1] == newest
    assert all(version == newest[line] for line, version, _ in all_rows(story.machine))


def a_dirty_copy_is_the_only_one(story: Story) -> None:
    rows = all_rows(story.machine)
    copies = Tally(line for line, _, _ in rows)
    assert all(copies[line] == 1 for line, _, flags in rows if "D" in flags)


def sets_hold_their_own_lines_once(story: Story) -> None:
    machine, geometry = story.machine, story.machine.geometry
    sets = [(geometry.l3[0], index, machine.l3(index)) for index in range(geometry.l3[0])]
    for core in range(geometry.cores):
        sets += [(geometry.l1[0], index, machine.l1(core, index)) for index in range(geometry.l1[0])]
        l2 = [[line for line, _, _ in machine.rows(core, index)] for index in range(geometry.l2[0])]
        sets += [(geometry.l2[0], index, lines) for index, lines in enumerate(l2)]
    for count, index, lines in sets:
        assert len(lines) == len(set(lines))
        assert all(line % count == index for line in lines)


def l2_includes_l1(story: Story) -> None:
    geometry = story.machine.geometry
    for core in range(geometry.cores):
        l1 = {line for index in range(geometry.l1[0]) for line in story.machine.l1(core, index)}
        assert l1 <= {row[0] for index in range(geometry.l2[0]) for row in story.machine.rows(core, index)}


LAWS: list[Callable[[Story], None]] = [
    accesses_are_counted,
    what_became_dirty_was_written_back_or_still_is,
    no_address_is_lost,
    log_entries_are_counted,
    every_copy_has_every_write,
    a_dirty_copy_is_the_only_one,
    sets_hold_their_own_lines_once,
    l2_includes_l1,
]


@given(data=st.data(), geometry=geometries(log_lines=ROOMY, leavings=LOGGED), modes=st.integers(0, 7))
@examples(200)
def test_laws(data: st.DataObject, geometry: Geometry, modes: int) -> None:
    story = Story(kernel, geometry)
    story.machine.state.mode[:] = [modes >> core & 1 for core in range(geometry.cores)]
    steps = st.sampled_from(["run", "run", "scan", "write around"])
    for step in ["run", *data.draw(st.lists(steps, max_size=8), "steps")]:
        if step == "run":
            story.run(data.draw(programs(geometry), "programs"))
        elif step == "scan":
            story.machine.scan(data.draw(st.integers(0, geometry.cores - 1), "core"))
        else:
            story.write_around(data.draw(st.integers(0, geometry.lines - 1), "line"))
        for law in LAWS:
            law(story)


def leave_in_l1(state: CacheState, core: int, line: int) -> None:
    level, used = state.l1.copy(), state.l1_used.copy()
    DROP(state, core, line)
    state.l1[:], state.l1_used[:] = level, used


DROP = reference.drop
DEFECTS: list[tuple[Callable[[Story], None], str, Callable[..., Any]]] = [
    (what_became_dirty_was_written_back_or_still_is, "write_back", lambda *_: None),
    (no_address_is_lost, "log_row", lambda *_, **__: None),
    (no_address_is_lost, "evict", lambda *_: None),
    (log_entries_are_counted, "log_address", lambda *_: False),
    (every_copy_has_every_write, "write_back", lambda *_: None),
    (every_copy_has_every_write, "transfer", lambda _state, _core, row, *_: row),
    (a_dirty_copy_is_the_only_one, "invalidate_others", lambda _state, _core, row, _log: row),
    (sets_hold_their_own_lines_once, "way_in_l2", lambda *_: 0),
    (l2_includes_l1, "drop", leave_in_l1),
]


@pytest.mark.parametrize(("law", "function", "wrong"), DEFECTS)
def test_laws_notice_a_defect(
    monkeypatch: pytest.MonkeyPatch, law: Callable[[Story], None], function: str, wrong: Callable[..., Any]
) -> None:
    chance = np.random.default_rng(1)
    drawn = [decode_program(chance.bytes(900), 5) for _ in range(2)]
    sound, defective = (Story(reference, Geometry(cores=2, l2=(1, 3), log_lines=ROOMY)) for _ in range(2))
    sound.run(drawn)
    law(sound)
    monkeypatch.setattr(reference, function, wrong)
    defective.run(drawn)
    with pytest.raises(AssertionError):
        law(defective)
