"""A VM without a host to ship to: its log is emptied, its modifications are kept, its answers leave at once."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import simpy

from vmfailover.guest.guest import GuestState
from vmfailover.guest.scheduler import Scheduler
from vmfailover.guest.server import Completion
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.replication.protocols.cacheline_flags.protection import FlaggedLines
from vmfailover.replication.standalone import StandaloneVm

from .machinery import LINE_BYTES, LINES, new_node, new_site

CHECK_NS = 1000
#: 16 sets at a nanosecond each.
WALK_NS = 16


class Alone:
    """A VM that has been taken over, and the answers that have left: (request, instant)."""

    def __init__(self, log_lines: int = 16, waiting: tuple[Completion, ...] = (), **keys: Any) -> None:
        self.env = simpy.Environment()
        node = new_node(self.env, log_lines=log_lines)
        self.host, self.guest, self.vm = node.host, node.guest, node.vm
        Scheduler(self.env, 1 << 20, 1).add(self.vm)
        spec = {"kind": "uniform", "working_set": "4 KiB", "store_fraction": "50 %", **keys}
        workload = open_workload(SyntheticWorkload.model_validate(spec), 1, LINE_BYTES)
        self.guest.start(workload, GuestState((0,), 0, waiting))
        self.alone = StandaloneVm(self.env, node, FlaggedLines(new_site(self.env), node))
        self.answers: list[tuple[int, int]] = []
        self.alone.run(CHECK_NS, self._release)

    def _release(self, completion: Completion) -> None:
        self.answers.append((completion.request, int(self.env.now)))


def found(alone: Alone) -> npt.NDArray[np.int64]:
    addresses = alone.alone.found_modified()
    assert addresses is not None
    return addresses


def test_without_a_tracker_nobody_knows_what_is_modified() -> None:
    env = simpy.Environment()
    assert StandaloneVm(env, new_node(env), None).found_modified() is None


def test_the_vm_runs_at_once() -> None:
    assert Alone().vm.running


def test_answers_leave_at_the_guest_time_at_which_they_are_ready() -> None:
    alone = Alone(waiting=(Completion(3, 70), Completion(4, 170)))
    alone.env.run(until=100)
    alone.guest.receive(5)
    alone.env.run(until=900)
    assert alone.answers == [(3, 70), (4, 170), (5, 270)]


def test_an_answer_waits_while_the_vm_stands_still() -> None:
    alone = Alone(waiting=(Completion(1, CHECK_NS + 10),))
    alone.env.run(until=1500)
    assert alone.answers == [(1, CHECK_NS + 10 + WALK_NS)]


def test_no_answer_leaves_a_host_that_has_crashed() -> None:
    alone = Alone(waiting=(Completion(1, 70), Completion(2, 80)))
    alone.env.run(until=75)
    alone.host.crash()
    alone.vm.pause(75)
    alone.env.run(until=500)
    assert alone.answers == [(1, 70)]


@pytest.mark.parametrize("log_lines", [2, 16])
def test_what_has_been_modified_is_found_however_small_the_log(log_lines: int) -> None:
    alone = Alone(log_lines, working_set="8 KiB")
    alone.env.run(until=20_000)
    written, _ = alone.host.processor.fetch(np.arange(LINES))
    assert (found(alone) // LINE_BYTES).tolist() == np.flatnonzero(written).tolist()
    assert np.count_nonzero(written) > 20
    assert alone.vm.log.tail == alone.vm.log.next


def test_flags_that_no_check_has_seen_count_as_modified() -> None:
    alone = Alone()
    alone.env.run(until=CHECK_NS - 1)
    assert not alone.alone.modified.any()
    assert found(alone).size > 0


def test_a_log_without_room_interrupts_and_the_vm_goes_on() -> None:
    alone = Alone(2, working_set="32 KiB", store_fraction="100 %")
    alone.vm.request_entries = 12
    alone.env.run(until=50_000)
    assert alone.alone.interrupts > 0
    assert alone.vm.accesses > 1000
