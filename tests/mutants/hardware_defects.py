"""Defects of the caches, the cache controller and the address log.

Those of the compiled kernel go into its readable twin, which takes every step that the kernel takes.
"""

from typing import Any

import numpy as np
from scenarios_for_tests import minute, small

from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import reference
from vmfailover.hardware.cache.state import PADDING, Counter, Register
from vmfailover.hardware.processor import Processor

from .injection import Injection, mutant

#: Few accesses, since the readable twin takes its time.
SPARSE = {"workload.instructions_per_access": 60.0}
VERY_SPARSE = {"workload.instructions_per_access": 200.0}


@mutant(minute("tiny-caches", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def castout_not_logged(injection: Injection) -> None:
    @injection.into(reference, "log_row")
    def log_row(original: Any, state: Any, core: int, row: Any, cause: Counter, log: Any, payer: Any = None) -> None:
        if cause == Counter.LOG_CASTOUT:
            injection.fire()
        else:
            original(state, core, row, cause, log, payer)


@mutant(minute("three-vcpus-log", **VERY_SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def transfer_not_logged(injection: Injection) -> None:
    @injection.into(reference, "log_row")
    def log_row(original: Any, state: Any, core: int, row: Any, cause: Counter, log: Any, payer: Any = None) -> None:
        if cause == Counter.LOG_TRANSFER:
            injection.fire()
        else:
            original(state, core, row, cause, log, payer)


@mutant(minute("three-vcpus-carry", **VERY_SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def carried_flag_lost(injection: Injection) -> None:
    @injection.into(reference, "transfer")
    def transfer(original: Any, state: Any, core: int, row: Any, other: int, copy: Any, log: Any) -> Any:
        injection.fired += copy.flagged
        return original(state, core, row, other, copy, log)._replace(flagged=row.flagged)


@mutant(minute("base", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def store_to_a_dirty_row_not_flagged(injection: Injection) -> None:
    @injection.into(reference, "store")
    def store(original: Any, state: Any, core: int, access: Any, log: Any) -> None:
        before = reference.find(state, core, access.line)
        original(state, core, access, log)
        if before is not None and before.dirty and not before.flagged:
            after = reference.find(state, core, access.line)
            assert after is not None
            reference.replace(state, core, after._replace(flagged=False))
            injection.fire()


@mutant(minute("base", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def one_set_never_scanned(injection: Injection) -> None:
    @injection.into(reference, "rows_by_use")
    def rows_by_use(original: Any, state: Any, core: int, index: int) -> Any:
        rows = original(state, core, index)
        if index != 5:
            return rows
        injection.fired += any(row.flagged for row in rows)
        return []


@mutant(minute("log-stall-least", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def flag_cleared_before_its_log_write(injection: Injection) -> None:
    @injection.into(reference, "scan")
    def scan(original: Any, state: Any, core: int, log: Any, first_set: int) -> int:
        reached: int = original(state, core, log, first_set)
        if reached < state.l2.shape[1]:
            row = next(row for row in reference.rows_by_use(state, core, reached) if row.flagged)
            reference.replace(state, core, row._replace(flagged=False))
            injection.fire()
        return reached


@mutant(minute("log-stall-least", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def flags_cleared_though_the_log_is_full(injection: Injection) -> None:
    @injection.into(reference, "scan")
    def scan(original: Any, state: Any, core: int, log: Any, first_set: int) -> int:
        sets: int = state.l2.shape[1]
        while (first_set := original(state, core, log, first_set)) < sets:
            for row in reference.rows_by_use(state, core, first_set):
                reference.replace(state, core, row._replace(flagged=False))
            injection.fire()
        return sets


@mutant(minute("tiny-caches", **SPARSE), caught_by="image", twin=reference)
def write_back_loses_its_data(injection: Injection) -> None:
    @injection.into(reference, "write_back")
    def write_back(original: Any, state: Any, row: Any) -> None:
        before = state.memory[row.tag]
        original(state, row)
        state.memory[row.tag] = before
        injection.fire()


@mutant(minute("tiny-caches", **SPARSE), caught_by="dirty_lines_balance", twin=reference)
def dirty_row_dropped_at_eviction(injection: Injection) -> None:
    @injection.into(reference, "evict")
    def evict(original: Any, state: Any, core: int, line: int, log: Any) -> None:
        victim = reference.victim_for(state, core, line)
        if victim is not None and victim.dirty and not injection.fired:
            reference.replace(state, core, victim._replace(dirty=False))
            injection.fire()
        original(state, core, line, log)


@mutant(minute("base", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def padding_overwrites_an_entry(injection: Injection) -> None:
    @injection.into(reference, "flush")
    def flush(original: Any, log: Any, vm: int) -> bool:
        collected = log.registers[vm, Register.COLLECTED]
        if 0 < collected < log.collecting[vm].size:
            log.collecting[vm, collected - 1] = PADDING
            injection.fire()
        return bool(original(log, vm))


@mutant(minute("log-drain-streaming", **SPARSE), caught_by="nothing_lost_in_log", twin=reference)
def line_lost_where_the_log_wraps(injection: Injection) -> None:
    @injection.into(reference, "flush")
    def flush(original: Any, log: Any, vm: int) -> bool:
        written = bool(original(log, vm))
        if written and log.registers[vm, Register.NEXT] == log.registers[vm, Register.INITIAL]:
            log.ring[vm, -log.collecting[vm].size :] = PADDING
            injection.fire()
        return written


@mutant(small("log-drain-streaming"), caught_by="nothing_lost_in_log")
def entries_not_read_beyond_the_wrap(injection: Injection) -> None:
    @injection.into(AddressLog, "read")
    def read(original: Any, log: AddressLog) -> Any:
        began = log._read
        addresses = original(log)
        if log.next >= began:
            return addresses
        injection.fire()
        last = log.logs.ring[0, (began - log.logs.registers[0, Register.INITIAL]) // 8 :]
        return last[last != PADDING]


@mutant(small("log-stall"), caught_by="nothing_lost_in_log")
def full_log_overwritten(injection: Injection) -> None:
    @injection.into(AddressLog, "set_limit")
    def set_limit(original: Any, log: AddressLog, reserve: int = 0) -> None:
        original(log, reserve)
        log.logs.registers[0, Register.LIMIT] += log.size
        injection.fire()


@mutant(small("base"), caught_by="image")
def lines_fetched_from_memory_past_the_caches(injection: Injection) -> None:
    @injection.into(Processor, "fetch")
    def fetch(original: Any, processor: Processor, lines: Any) -> Any:
        versions, cached = original(processor, lines)
        stale = processor.memory.versions[lines]
        injection.fired += int(np.count_nonzero(versions != stale))
        return stale, cached


@mutant(small("two-vcpus"), caught_by="nothing_lost_in_log")
def one_core_left_in_the_second_mode(injection: Injection) -> None:
    @injection.into(Processor, "set_first_mode")
    def set_first_mode(original: Any, processor: Processor, core: int, first: bool) -> None:
        injection.fired += core == 1
        original(processor, core, first and core != 1)
