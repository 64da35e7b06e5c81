"""Every rule of the cache controller, worked by hand; the compiled twin has to agree."""

import dataclasses
from types import ModuleType

import numpy as np
import pytest

from vmfailover.hardware.cache import reference
from vmfailover.hardware.cache.state import PADDING, VERSION_MODULUS, Cost, Leaving, Mode, Register, Stop, Why

from .machine import INITIAL, Geometry, Machine, assert_same, load, store

ONE_CORE = Geometry()
TWO_CORES = Geometry(cores=2)
CARRY = Geometry(cores=2, leaving=Leaving.CARRY)
WITH_L3 = Geometry(l1=(1, 1), l2=(1, 1), l3=(1, 2))


class TestLoad:
    def test_miss_fills_both_levels_clean_and_unflagged(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([load(3)])
        assert machine.rows() == [(3, 0, "")]
        assert machine.l1() == [3]
        assert machine.counters() == {"ACCESSES": 1, "L1_LOAD_MISSES": 1, "L2_MISSES": 1}
        assert machine.state.clock[0] == 1_000

    def test_only_the_first_of_equal_loads_goes_on_to_l2(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([load(3, times=5)])
        assert machine.counters() == {"ACCESSES": 5, "L1_LOAD_MISSES": 1, "L2_MISSES": 1}

    def test_l1_hit_costs_nothing_and_leaves_the_order_of_l2(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([load(1), load(2)])
        stop = machine.run([load(1)])
        assert stop.elapsed == 0
        assert machine.l1() == [1, 2]
        assert [line for line, _, _ in machine.rows()] == [2, 1]

    def test_l2_hit_becomes_most_recent_and_fills_l1(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l1=(1, 1)))
        machine.run([load(1), load(2)])
        stop = machine.run([load(1)])
        assert stop.elapsed == 10
        assert machine.l1() == [1]
        assert [line for line, _, _ in machine.rows()] == [1, 2]
        assert machine.counters() == {"ACCESSES": 3, "L1_LOAD_MISSES": 3, "L2_MISSES": 2}

    def test_full_l1_drops_its_least_recent_line_silently(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 4)))
        machine.run([load(1), load(2), load(1), load(3)])
        assert machine.l1() == [3, 1]
        assert len(machine.rows()) == 3

    def test_does_not_clean_or_unflag_a_row(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1), load(1)])
        assert machine.rows() == [(1, 1, "FD")]


class TestStore:
    def test_miss_allocates_in_l2_only(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(3)])
        assert machine.rows() == [(3, 1, "FD")]
        assert machine.l1() == []
        assert machine.state.memory[3] == 0
        assert machine.counters() == {"ACCESSES": 1, "STORES": 1, "L2_MISSES": 1, "DIRTIED": 1}
        assert machine.state.clock[0] == 1_000

    def test_hit_becomes_most_recent_in_both_levels_for_nothing(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([load(1), load(2)])
        stop = machine.run([store(1)])
        assert stop.elapsed == 0
        assert machine.l1() == [1, 2]
        assert machine.rows() == [(1, 1, "FD"), (2, 0, "")]

    def test_dirties_a_row_once(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1, times=3), store(1, times=4)])
        assert machine.rows() == [(1, 7, "FD")]
        assert machine.counters() == {"ACCESSES": 7, "STORES": 7, "L2_MISSES": 1, "DIRTIED": 1}

    def test_version_wraps(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1, times=VERSION_MODULUS - 1), store(1, times=2), store(1, times=2**32 - 1)])
        assert machine.rows() == [(1, 0, "FD")]

    def test_second_mode_sets_no_flag(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.state.mode[0] = 0
        machine.run([store(1)])
        assert machine.rows() == [(1, 1, "D")]

    def test_second_mode_leaves_a_flag(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1)])
        machine.state.mode[0] = 0
        machine.run([store(1)])
        assert machine.rows() == [(1, 2, "FD")]

    def test_lines_are_blocks_shifted(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(line_shift=1))
        machine.run([store(3), store(3)])
        assert machine.rows() == [(3, 2, "FD")]


class TestCastout:
    def test_dirty_row_is_written_back_and_its_flag_logged(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 1)))
        machine.run([store(1, times=2), load(2)])
        assert machine.rows() == [(2, 0, "")]
        assert machine.state.memory[1] == 2
        assert machine.logged() == [1]
        assert machine.counters() == {
            "ACCESSES": 3,
            "STORES": 2,
            "L1_LOAD_MISSES": 1,
            "L2_MISSES": 2,
            "DIRTIED": 1,
            "WRITEBACKS": 1,
            "LOG_CASTOUT": 1,
        }

    def test_unflagged_dirty_row_is_not_logged(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 1)))
        machine.state.mode[0] = 0
        machine.run([store(1), load(2)])
        assert machine.logged() == []
        assert machine.counters()["WRITEBACKS"] == 1

    def test_clean_row_leaves_silently_and_takes_its_l1_line_along(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l1=(1, 4), l2=(1, 2)))
        machine.run([load(1), load(2), load(1), load(3)])
        assert machine.l1() == [3, 2]
        assert "WRITEBACKS" not in machine.counters()

    def test_invalid_rows_go_first(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 3)))
        machine.run([load(1), load(2), load(3)])
        twin.write_around(machine.state, np.array([2]), machine.log)
        machine.run([load(4)])
        assert [line for line, _, _ in machine.rows()] == [4, 3, 1]

    def test_only_the_set_of_the_line_is_concerned(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(2, 1)))
        machine.run([store(0), store(1), store(2)])
        assert machine.rows(index=0) == [(2, 1, "FD")]
        assert machine.rows(index=1) == [(1, 1, "FD")]

    def test_version_returns_from_memory(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 1)))
        machine.run([store(1, times=2), load(2), store(1)])
        assert machine.rows() == [(1, 3, "FD")]


class TestScan:
    def test_logs_and_clears_every_flag_set_by_set_most_recent_first(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(2, 2)))
        machine.run([store(1), store(2), store(4), load(3)])
        assert machine.scan() == 2
        assert machine.logged() == [4, 2, 1]
        assert machine.rows(index=0) == [(4, 1, "D"), (2, 1, "D")]
        assert machine.counters()["LOG_SCAN"] == 3
        assert machine.registers[Register.LIMIT] == 10**6 - 3

    def test_second_scan_finds_nothing(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1)])
        machine.scan()
        machine.scan()
        assert machine.logged() == [1]

    def test_line_stored_to_again_is_flagged_again_but_not_dirtied_again(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1)])
        machine.scan()
        machine.run([store(1)])
        assert machine.rows() == [(1, 2, "FD")]
        assert machine.counters()["DIRTIED"] == 1

    def test_stops_at_the_limit_and_resumes(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(2, 4)), limit=1)
        machine.run([store(1), load(3), store(5), store(2)])
        assert machine.scan() == 1
        assert machine.logged() == [2]
        machine.registers[Register.LIMIT] = 1
        assert machine.scan(first_set=1) == 1
        assert machine.rows(index=1) == [(5, 1, "D"), (3, 0, ""), (1, 1, "FD")]
        machine.registers[Register.LIMIT] = 1
        assert machine.scan(first_set=1) == 2
        assert machine.logged() == [2, 5, 1]

    def test_last_entry_finishes_the_walk(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE, limit=1)
        machine.run([store(1)])
        assert machine.scan() == 1

    def test_leaves_out_the_sets_before_the_first(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(2, 2)))
        machine.run([store(1), store(2)])
        machine.scan(first_set=1)
        assert machine.logged() == [1]
        assert machine.scan(first_set=2) == 2

    def test_leaves_recency(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.run([store(1), store(2)])
        machine.scan()
        assert machine.rows() == [(2, 1, "D"), (1, 1, "D")]

    def test_takes_no_guest_time(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 8)))
        machine.run([store(line) for line in range(8)])
        clock = machine.state.clock[0]
        machine.scan()
        assert machine.registers[Register.COLLECTED] == 0
        assert machine.state.clock[0] == clock
        assert "LOG_WRITE_FS" not in machine.counters()

    def test_concerns_one_core(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, store(1))
        machine.on(1, store(2))
        machine.scan(core=1)
        assert machine.logged() == [2]
        assert machine.rows(0) == [(1, 1, "FD")]


class TestLog:
    def test_entries_are_byte_addresses_of_lines(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(line_shift=1))
        machine.run([store(3)])
        machine.scan()
        assert machine.log.collecting[0, 0] == 3 * 128

    def test_full_collecting_line_is_written_out_at_the_expense_of_the_core(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 1)))
        machine.run([store(line) for line in range(9)])
        assert machine.log.ring[0, :8].tolist() == [64 * line for line in range(8)]
        assert machine.log.collecting[0].tolist() == [PADDING] * 8
        assert machine.registers[Register.NEXT] == INITIAL + 64
        assert machine.registers[Register.COLLECTED] == 0
        assert machine.registers[Register.LIMIT] == 10**6 - 8
        assert machine.state.clock[0] == 9 * 1_000 + 100_000
        assert machine.counters()["LOG_WRITE_FS"] == 100_000

    def test_flush_pads(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        twin.log_address(machine.log, 0, 640)
        assert twin.flush(machine.log, 0)
        assert machine.log.ring[0, :8].tolist() == [640] + 7 * [PADDING]
        assert machine.registers[Register.NEXT] == INITIAL + 64
        assert machine.registers[Register.LIMIT] == 10**6 - 1

    def test_flush_of_nothing_writes_nothing(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        before = machine.arrays()
        assert not twin.flush(machine.log, 0)
        assert_same(machine.arrays(), before)

    def test_next_wraps_to_initial(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(log_lines=2))
        written = [twin.log_address(machine.log, 0, 64 * entry) for entry in range(16)]
        assert [index for index, out in enumerate(written) if out] == [7, 15]
        assert machine.registers[Register.NEXT] == INITIAL
        for entry in range(16, 25):
            twin.log_address(machine.log, 0, 64 * entry)
        assert machine.registers[Register.NEXT] == INITIAL + 64
        assert machine.log.ring[0].tolist() == [64 * entry for entry in [*range(16, 24), *range(8, 16)]]
        assert machine.log.collecting[0].tolist() == [64 * 24] + 7 * [PADDING]

    def test_software_counts_for_itself(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        twin.log_address(machine.log, 0, 640)
        assert machine.logged() == [10]
        assert machine.counters() == {}


class TestStoreElsewhere:
    def test_dirty_row_moves_without_write_back(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, load(1), store(1, times=2))
        machine.on(1, store(1))
        assert (machine.rows(0), machine.l1(0)) == ([], [])
        assert machine.rows(1) == [(1, 3, "FD")]
        assert machine.logged() == [1]
        assert machine.state.clock[1] == 10_000
        assert machine.counters() == {
            "ACCESSES": 4,
            "STORES": 3,
            "L1_LOAD_MISSES": 1,
            "L2_MISSES": 2,
            "DIRTIED": 1,
            "TRANSFERS": 1,
            "LOG_TRANSFER": 1,
        }

    def test_unflagged_dirty_row_moves_unlogged(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, store(1))
        machine.scan(core=0)
        machine.on(1, store(1))
        assert machine.rows(1) == [(1, 2, "FD")]
        assert "LOG_TRANSFER" not in machine.counters()

    def test_flag_is_carried_even_to_a_core_in_second_mode(self, twin: ModuleType) -> None:
        machine = Machine(twin, CARRY)
        machine.state.mode[1] = 0
        machine.on(0, store(1))
        machine.on(1, store(1))
        assert machine.rows(1) == [(1, 2, "FD")]
        assert machine.logged() == []

    def test_hit_invalidates_clean_sharers_for_nothing(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=3))
        for core in range(3):
            machine.on(core, load(1))
        clock = machine.state.clock.copy()
        machine.on(1, store(1))
        assert (machine.rows(0), machine.rows(1), machine.rows(2)) == ([], [(1, 1, "FD")], [])
        assert (machine.l1(0), machine.l1(1), machine.l1(2)) == ([], [1], [])
        np.testing.assert_array_equal(machine.state.clock, clock)
        assert "TRANSFERS" not in machine.counters()

    def test_miss_with_clean_sharers_is_supplied_by_memory(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, load(1))
        machine.on(1, store(1))
        assert machine.rows(0) == []
        assert machine.state.clock[1] == 1_000

    def test_invalidated_set_stays_in_order_of_use(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 3)))
        machine.on(0, load(1), load(2), load(3))
        machine.on(1, store(2))
        assert [line for line, _, _ in machine.rows(0)] == [3, 1]

    def test_transfer_is_logged_before_the_castout_of_the_same_record(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 1)))
        machine.on(0, store(1))
        machine.on(1, store(2), store(1))
        assert machine.logged() == [1, 2]

    def test_the_core_that_asks_pays_for_the_log(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        for _ in range(7):
            twin.log_address(machine.log, 0, 640)
        machine.on(0, store(1))
        machine.on(1, store(1))
        assert machine.state.clock.tolist() == [1_000, 110_000]


class TestLoadElsewhere:
    def test_dirty_row_is_written_back_logged_and_stays_clean(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, store(1, times=2), load(3))
        machine.on(1, load(1))
        assert machine.rows(0) == [(3, 0, ""), (1, 2, "")]
        assert machine.rows(1) == [(1, 2, "")]
        assert machine.state.memory[1] == 2
        assert machine.logged() == [1]
        assert machine.state.clock[1] == 10_000
        assert machine.counters() == {
            "ACCESSES": 4,
            "STORES": 2,
            "L1_LOAD_MISSES": 2,
            "L2_MISSES": 3,
            "DIRTIED": 1,
            "WRITEBACKS": 1,
            "TRANSFERS": 1,
            "LOG_TRANSFER": 1,
        }

    def test_clean_row_is_left_alone(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, load(1))
        machine.on(1, load(1))
        assert machine.rows(0) == machine.rows(1) == [(1, 0, "")]
        assert machine.state.clock.tolist() == [1_000, 1_000]

    def test_carried_flag_arrives_on_a_clean_row(self, twin: ModuleType) -> None:
        machine = Machine(twin, CARRY)
        machine.on(0, store(1))
        machine.on(1, load(1))
        assert machine.rows(0) == [(1, 1, "")]
        assert machine.rows(1) == [(1, 1, "F")]
        assert machine.logged() == []

    def test_carried_flag_of_a_clean_row_is_logged_when_cast_out(self, twin: ModuleType) -> None:
        machine = Machine(twin, CARRY)
        machine.on(0, store(1))
        machine.on(1, load(1), load(2), load(3))
        assert machine.logged() == [1]
        assert machine.counters()["WRITEBACKS"] == 1

    def test_carried_flag_of_a_clean_row_is_carried_on_by_a_store(self, twin: ModuleType) -> None:
        machine = Machine(twin, CARRY)
        machine.on(0, store(1))
        machine.on(1, load(1))
        machine.state.mode[0] = 0
        machine.on(0, store(1))
        assert machine.rows(0) == [(1, 2, "FD")]
        assert machine.rows(1) == []

    def test_flagged_clean_row_elsewhere_is_left_alone_by_a_load(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=3, leaving=Leaving.CARRY))
        machine.on(0, store(1))
        machine.on(1, load(1))
        machine.on(2, load(1))
        assert (machine.rows(1), machine.rows(2)) == ([(1, 1, "F")], [(1, 1, "")])


class TestL3:
    def test_victim_goes_in_and_a_hit_comes_out(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([store(1), load(2)])
        assert machine.l3() == [1]
        stop = machine.run([load(1)])
        assert stop.elapsed == 100
        assert machine.l3() == [2]
        assert machine.rows() == [(1, 1, "")]
        assert machine.counters()["L3_HITS"] == 1

    def test_store_hits_too(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([load(1), load(2)])
        assert machine.run([store(1)]).elapsed == 100

    def test_hit_makes_room_before_the_victim_comes(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([load(1), load(2), load(3)])
        assert machine.l3() == [2, 1]
        assert machine.run([load(1)]).elapsed == 100
        assert machine.l3() == [3, 2]

    def test_most_recent_line_hit_leaves_the_others(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([load(1), load(2), load(3), load(2)])
        assert machine.l3() == [3, 1]

    def test_least_recent_falls_out_silently(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([load(1), load(2), load(3), load(4)])
        assert machine.l3() == [3, 2]
        assert machine.run([load(1)]).elapsed == 1_000

    def test_victim_already_there_becomes_most_recent(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 1), l3=(1, 2)))
        machine.on(1, load(1))
        machine.on(0, load(1), load(2), load(3))
        assert machine.l3() == [2, 1]
        machine.on(1, load(4))
        assert machine.l3() == [1, 2]

    def test_dirty_row_elsewhere_is_looked_for_first(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 1), l3=(1, 2)))
        machine.on(1, load(1))
        machine.on(0, load(1), load(2))
        machine.on(1, store(1))
        clock = machine.state.clock[0]
        machine.on(0, load(1))
        assert machine.state.clock[0] - clock == 10_000
        assert machine.l3() == [2, 1]
        assert "L3_HITS" not in machine.counters()


class TestStop:
    def test_exhausted(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        assert machine.run([load(1), load(2)]) == Stop(Why.EXHAUSTED, core=0, next=2, elapsed=2_000)

    def test_instructions_take_time(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        stop = machine.run([load(1, times=3, instructions=7), load(1, instructions=2)])
        assert stop.elapsed == 1_009
        assert machine.state.instructions[0] == 9

    def test_record_that_begins_before_the_deadline_runs_whole(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.give([[load(1), load(2), load(3)]])
        assert machine.advance(deadline=1_001) == Stop(Why.DEADLINE, core=0, next=2, elapsed=2_000)

    def test_clock_at_the_deadline_is_too_late(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.give([[load(1), load(2)]])
        assert machine.advance(deadline=1_000) == Stop(Why.DEADLINE, core=0, next=1, elapsed=1_000)
        assert machine.advance(deadline=1_000) == Stop(Why.DEADLINE, core=0, next=1, elapsed=0)

    def test_quantum_counts_records(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.give([[load(1, times=9), load(2), load(3)]])
        assert machine.advance(quantum=2) == Stop(Why.QUANTUM, core=0, next=2, elapsed=2_000)

    def test_quantum_goes_before_deadline_and_deadline_before_exhaustion(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.give([[load(1)]])
        assert machine.advance(deadline=1_000, quantum=1).why == Why.QUANTUM
        assert machine.advance(deadline=1_000, quantum=1).why == Why.DEADLINE
        assert machine.advance(deadline=1_001, quantum=1).why == Why.EXHAUSTED

    def test_core_furthest_behind_runs_next(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.give([[load(1, instructions=500), load(2)], [load(3), load(4), load(5)]])
        turns = [machine.advance(quantum=quantum) for quantum in (1, 1, 1, 1)]
        assert [(stop.core, stop.next) for stop in turns] == [(1, 0), (1, 1), (0, 1), (1, 2)]
        assert machine.state.clock.tolist() == [2_500, 2_000]

    def test_lowest_core_wins_a_tie(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=3))
        assert machine.advance() == Stop(Why.EXHAUSTED, core=0, next=0, elapsed=0)

    def test_other_cores_may_have_records_left(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        program = [load(1, instructions=1), load(2), load(4)]
        assert machine.run(program, [load(3)]) == Stop(Why.EXHAUSTED, core=1, next=1, elapsed=1_000)
        assert machine.start.tolist() == [1, 1]


class TestLogLimit:
    def test_stops_before_a_castout_that_does_not_fit(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 1)), limit=1)
        machine.give([[store(1), store(2), store(3)]])
        assert machine.advance(quantum=2).why == Why.QUANTUM
        before = machine.arrays()
        assert machine.advance() == Stop(Why.LOG_LIMIT, core=0, next=2, elapsed=0)
        assert_same(machine.arrays(), before)

    def test_stops_before_a_transfer_and_castout_of_which_one_fits(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 1)), limit=1)
        machine.on(0, store(1))
        machine.on(1, store(2))
        before = machine.arrays()
        assert machine.on(1, load(1)) == Stop(Why.LOG_LIMIT, core=1, next=0, elapsed=0)
        assert_same(machine.arrays(), before)

    def test_carried_flag_needs_no_entry(self, twin: ModuleType) -> None:
        machine = Machine(twin, CARRY, limit=0)
        machine.on(0, store(1))
        machine.on(1, store(1))
        assert machine.rows(1) == [(1, 2, "FD")]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_record_that_logs_nothing_always_runs(self, twin: ModuleType, limit: int) -> None:
        machine = Machine(twin, ONE_CORE, limit=limit)
        assert machine.run([store(1), load(1), store(2)]).why == Why.EXHAUSTED

    def test_goes_on_as_if_it_had_not_stopped(self, twin: ModuleType) -> None:
        program = [store(line * 7 % 5, instructions=1) for line in range(40)]
        free, limited = Machine(twin, ONE_CORE), Machine(twin, ONE_CORE, limit=0)
        free.run(program)
        limited.give([program])
        while limited.advance().why == Why.LOG_LIMIT:
            limited.registers[Register.LIMIT] = 1
        free.registers[Register.LIMIT] = limited.registers[Register.LIMIT] = 0
        assert_same(limited.arrays(), free.arrays())


class TestFetch:
    def test_prefers_the_dirty_row_to_memory(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.state.memory[:4] = [10, 11, 12, 13]
        machine.on(0, load(1))
        machine.on(1, store(2, times=5))
        before = machine.arrays()
        assert machine.fetch([0, 1, 2, 2]) == ((1, 2), [10, 11, 17, 17])
        assert_same(machine.arrays(), before)

    def test_of_nothing(self, twin: ModuleType) -> None:
        assert Machine(twin, ONE_CORE).fetch([]) == ((0, 0), [])

    def test_a_line_that_several_cores_have_is_the_first_cores(self, twin: ModuleType) -> None:
        machine = Machine(twin, TWO_CORES)
        machine.on(0, load(1))
        machine.on(1, load(1))
        machine.on(1, load(3))
        assert machine.fetch([1, 3, 5]) == ((1, 1), [0, 0, 0])


class TestWriteAround:
    def test_uncached_line(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE)
        machine.state.memory[1] = VERSION_MODULUS - 1
        twin.write_around(machine.state, np.array([1]), machine.log)
        assert machine.state.memory[1] == 0
        assert machine.counters() == {}

    def test_flagged_dirty_row_is_written_back_and_logged_beyond_the_limit(self, twin: ModuleType) -> None:
        machine = Machine(twin, ONE_CORE, limit=0)
        machine.run([load(1), store(1, times=4), load(2)])
        counters = machine.counters()
        twin.write_around(machine.state, np.array([1]), machine.log)
        assert machine.state.memory[1] == 5
        assert machine.logged() == [1]
        assert machine.registers[Register.LIMIT] == -1
        assert machine.rows() == [(2, 0, "")]
        assert machine.l1() == [2]
        assert machine.counters() == counters | {"WRITEBACKS": 1, "LOG_TRANSFER": 1}

    def test_all_clean_copies_leave(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(cores=2, l2=(1, 1), l3=(1, 2)))
        machine.on(0, load(1), load(2))
        machine.on(1, load(3), load(1))
        machine.on(0, load(1))
        twin.write_around(machine.state, np.array([1]), machine.log)
        assert (machine.rows(0), machine.rows(1)) == ([], [])
        assert 1 not in machine.l3()

    def test_leaves_l3(self, twin: ModuleType) -> None:
        machine = Machine(twin, WITH_L3)
        machine.run([load(1), load(2)])
        twin.write_around(machine.state, np.array([1]), machine.log)
        assert machine.l3() == []

    def test_takes_no_guest_time(self, twin: ModuleType) -> None:
        machine = Machine(twin, Geometry(l2=(1, 8)))
        machine.run([store(line) for line in range(8)])
        clock = machine.state.clock[0]
        for line in range(8):
            twin.write_around(machine.state, np.array([line]), machine.log)
        assert machine.registers[Register.NEXT] == INITIAL + 64
        assert machine.state.clock[0] == clock


class TestFirstStores:
    """Units of two lines, and an exit whenever a core has noted two of them."""

    PAGES = Geometry(l2=(1, 8), leaving=Leaving.FORGET, unit_lines=2, buffer=2, keep_undo=True)

    def machine(self, twin: ModuleType, geometry: Geometry = PAGES) -> Machine:
        machine = Machine(twin, geometry)
        machine.state.mode[:] = Mode.FIRST_STORES
        return machine

    def test_only_the_first_store_to_a_unit_costs(self, twin: ModuleType) -> None:
        machine = self.machine(twin)
        machine.run([store(4), store(5), store(4, times=3)])
        assert machine.state.clock[0] == 1_000_000 + 2 * 1_000
        assert machine.state.tracked.nonzero()[0].tolist() == [2]
        assert machine.counters()["FIRST_STORES"] == 1
        assert machine.counters()["TRACKING_FS"] == 1_000_000

    def test_a_full_buffer_exits(self, twin: ModuleType) -> None:
        machine = self.machine(twin)
        machine.run([store(0), store(2), store(4)])
        assert machine.state.clock[0] == 3 * 1_001_000 + 10_000_000
        assert machine.state.buffered[0] == 1
        assert machine.counters()["EXITS"] == 1

    def test_what_is_overwritten_is_kept(self, twin: ModuleType) -> None:
        machine = self.machine(twin, dataclasses.replace(self.PAGES, unit_lines=1))
        machine.state.memory[3] = 40
        machine.run([load(3), store(3, times=2), store(3)])
        assert machine.state.undo[3] == 40
        assert machine.rows() == [(3, 43, "FD")]

    def test_a_flag_that_leaves_is_forgotten_and_the_unit_is_not(self, twin: ModuleType) -> None:
        machine = self.machine(twin, dataclasses.replace(self.PAGES, l1=(1, 1), l2=(1, 1)))
        machine.run([store(4), load(9), store(4)])
        assert machine.logged() == []
        assert machine.counters()["FIRST_STORES"] == 1

    def test_loads_are_not_noted(self, twin: ModuleType) -> None:
        machine = self.machine(twin)
        machine.run([load(4)])
        assert not machine.state.tracked.any()


def test_costs_are_those_of_the_core(twin: ModuleType) -> None:
    machine = Machine(twin, TWO_CORES)
    machine.state.costs[1, Cost.MEMORY] = 7
    machine.on(0, load(1))
    machine.on(1, load(2))
    assert machine.state.clock.tolist() == [1_000, 7]


def test_rows_survive_packing() -> None:
    row = reference.Row(tag=2**31 - 2, version=VERSION_MODULUS - 1, flagged=True, dirty=False)
    assert reference.unpack(np.int64(reference.pack(row))) == row
