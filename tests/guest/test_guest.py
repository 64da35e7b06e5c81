"""The guest: requests come in by DMA, wait while it cannot take them, and are part of its captured state."""

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from programs import EXAMPLES, LINE_BYTES, LINES, MISS_NS, Program, Record, endless, programs, virtual_machine

from vmfailover.guest.guest import RECEIVE_BUFFERS, Guest, GuestState, ReceiveRing, StoreRing
from vmfailover.guest.placement import Placement
from vmfailover.guest.server import Completion
from vmfailover.hardware.memory import MemoryRange
from vmfailover.hardware.processor import FS_PER_NS

SERVICE_NS = 100
#: Two lines a request.
REQUEST_BYTES = 2 * LINE_BYTES
START = GuestState(positions=(0,), guest_ns=0)


def new_guest(env: simpy.Environment, *, log_lines: int = 16, request_entries: int = 4) -> Guest:
    vm = virtual_machine(endless(), log_lines=log_lines, request_entries=request_entries)
    ring = ReceiveRing(LINES, LINE_BYTES, REQUEST_BYTES)
    guest = Guest(vm, ring, SERVICE_NS, lambda: int(env.now))
    guest.start(endless(), START)
    return guest


@EXAMPLES
@given(lines=st.integers(64, 20_000), buffer=st.integers(1, 16), requests=st.integers(1, 600))
def test_buffers_follow_each_other_in_a_ring_at_the_top_of_memory(lines: int, buffer: int, requests: int) -> None:
    ring = ReceiveRing(lines, LINE_BYTES, buffer * LINE_BYTES - 1)
    written = [line for number in range(requests) for line in ring.lines(number * buffer)]
    assert len(written) == requests * buffer
    distinct = sorted(set(written))
    assert written == [distinct[number % len(distinct)] for number in range(len(written))]
    assert len(distinct) <= min(lines // 4, RECEIVE_BUFFERS * buffer)
    assert 0 <= distinct[0] <= distinct[-1] < lines
    assert distinct == list(range(distinct[0], distinct[0] + len(distinct)))
    assert ring.written(buffer, requests * buffer).tolist() == written[buffer:]


@pytest.mark.parametrize(("lines", "buffers"), [(64, 8), (4096, RECEIVE_BUFFERS)])
def test_the_ring_is_as_large_as_a_quarter_of_memory_allows(lines: int, buffers: int) -> None:
    ring = ReceiveRing(lines, LINE_BYTES, REQUEST_BYTES)
    assert list(ring.lines(0)) == [lines - 2 * buffers, lines - 2 * buffers + 1]
    assert list(ring.lines(2 * (buffers - 1))) == [lines - 2, lines - 1]
    assert ring.lines(2 * buffers) == ring.lines(0)


def test_requests_of_no_bytes_write_nothing() -> None:
    assert len(ReceiveRing(LINES, LINE_BYTES, 0).lines(0)) == 0


def test_a_running_guest_accepts_a_request_at_its_guest_time() -> None:
    env = simpy.Environment()
    guest = new_guest(env)
    accepted: list[Completion] = []
    guest.on_accept.append(accepted.append)
    env.run(until=50)
    guest.vm.resume(50)
    env.run(until=80)
    guest.receive(7)
    assert accepted == [Completion(7, 30 + SERVICE_NS)]
    assert guest.server.waiting == (Completion(7, 30 + SERVICE_NS),)


def test_a_request_is_written_into_memory_and_the_hypervisor_is_told_before() -> None:
    guest = new_guest(simpy.Environment())
    told: list[tuple[list[int], int]] = []
    versions = guest.vm.processor.memory.versions
    guest.on_device_write = lambda lines: told.append((list(lines), int(versions.sum())))
    guest.vm.resume(0)
    guest.receive(0)
    lines = guest.ring.written(0, guest.device_writes).tolist()
    assert len(lines) == 2
    assert np.flatnonzero(versions).tolist() == lines
    assert told == [(lines, 0)]


def test_a_request_is_written_into_the_range_of_memory_that_is_the_vms() -> None:
    vm = virtual_machine(endless(), placement=Placement(0, (0,), MemoryRange(LINES, LINES)))
    guest = Guest(vm, ReceiveRing(LINES, LINE_BYTES, REQUEST_BYTES), SERVICE_NS, lambda: 0)
    vm.resume(0)
    guest.receive(0)
    lines = guest.ring.written(0, guest.device_writes)
    assert np.flatnonzero(vm.processor.memory.versions).tolist() == (LINES + lines).tolist()
    assert np.flatnonzero(vm.read_image()).tolist() == lines.tolist()


def test_requests_wait_for_a_guest_that_stands_still_and_come_in_order() -> None:
    guest = new_guest(simpy.Environment())
    for request in (3, 1, 2):
        guest.receive(request)
    assert not guest.server.waiting
    written = guest.device_writes
    assert written == 0
    guest.vm.resume(0)
    assert [completion.request for completion in guest.server.waiting] == [3, 1, 2]
    assert guest.device_writes == 6


def test_requests_wait_for_room_in_the_log() -> None:
    guest = new_guest(simpy.Environment(), log_lines=2)
    log = guest.vm.log

    def note(lines: range) -> None:
        for line in lines:
            log.append(line * LINE_BYTES)

    guest.on_device_write = note
    guest.vm.resume(0)
    for request in range(12):
        guest.receive(request)
    taken = [completion.request for completion in guest.server.waiting]
    assert taken == list(range(7))
    assert guest.vm.log.free_entries == 2
    guest.vm.pause(0)
    guest.vm.log.read()
    guest.vm.log.release(guest.vm.log.next)
    guest.vm.resume(0)
    assert [completion.request for completion in guest.server.waiting] == list(range(12))


def test_what_is_captured_is_what_is_restored() -> None:
    env = simpy.Environment()
    guest, other = new_guest(env), new_guest(env)
    guest.vm.resume(0)
    guest.receive(0)
    guest.receive(1)
    env.run(until=120)
    guest.vm.advance_to(120, 1 << 20)
    guest.vm.pause(120)
    assert guest.server.take_completed(120) == [Completion(0, 100)]
    state = guest.capture()
    assert state == GuestState(guest.vm.positions, 120, (Completion(1, 200),), 4, 2 * SERVICE_NS, guest.vm.waits)
    assert (state.owed_ns, state.served_ns) == (80, 120)
    other.start(endless(), state)
    assert other.capture() == state
    assert other.device_writes == guest.device_writes
    assert not other.vm.running
    assert guest.served_ns == other.served_ns == 120


def test_a_restored_guest_serves_new_requests_after_those_that_wait() -> None:
    env = simpy.Environment()
    guest = new_guest(env)
    guest.start(endless(), GuestState((0,), 500, (Completion(4, 580),)))
    guest.vm.resume(0)
    guest.receive(5)
    assert guest.server.waiting == (Completion(4, 580), Completion(5, 580 + SERVICE_NS))


def test_a_protocol_can_hold_requests_back_and_let_them_in_later() -> None:
    guest = new_guest(simpy.Environment())
    room = 1
    guest.has_room = lambda: len(guest.server.waiting) < room
    guest.vm.resume(0)
    for request in range(4):
        guest.receive(request)
    assert [completion.request for completion in guest.server.waiting] == [0]
    room = 3
    guest.receive_held_back()
    assert [completion.request for completion in guest.server.waiting] == [0, 1, 2]


# Requests take processor time.


@EXAMPLES
@given(
    program=programs(1, most=60),
    gaps=st.lists(st.integers(1, 300), max_size=6),
    captured=st.integers(0, 6),
    service_ns=st.integers(0, 400),
)
def test_the_program_gets_exactly_the_time_that_requests_leave(
    program: Program, gaps: list[int], captured: int, service_ns: int
) -> None:
    """However requests arrive, and whether or not the guest is captured and restored on the way."""
    now = 0
    guest, alone = (
        Guest(virtual_machine(program), ReceiveRing(LINES, LINE_BYTES, 0), service_ns, lambda: now) for _ in range(2)
    )
    for each in (guest, alone):
        each.start(program, START)
        each.vm.resume(0)
    for request, gap in enumerate(gaps):
        now += gap
        guest.vm.advance_to(now, 1 << 20)
        guest.receive(request)
        if request == captured:
            under_way_fs = int(guest.vm.processor.state.clock[0]) - (now + guest.capture().owed_ns) * FS_PER_NS
            guest.vm.pause(now)
            guest.start(program, guest.capture())
            guest.vm.resume(now)
            guest.vm.processor.state.clock[0] += under_way_fs  # which a capture leaves out
    now += 200
    guest.vm.advance_to(now, 1 << 20)
    alone.vm.advance_to(now - guest.served_ns, 1 << 20)
    assert guest.vm.positions == alone.vm.positions
    assert guest.served_ns <= min(now, len(gaps) * service_ns)


@pytest.mark.parametrize("vcpus", [1, 2])
def test_a_vcpu_that_is_offered_more_than_it_can_do_leaves_its_program_nothing(vcpus: int) -> None:
    program = Program(*([Record(line % LINES) for line in range(300)] for _ in range(vcpus)), cut=300)
    now = 0
    guest = Guest(virtual_machine(program), ReceiveRing(LINES, LINE_BYTES, 0), 120, lambda: now)
    guest.start(program, GuestState((0,) * vcpus, 0))
    guest.vm.resume(0)
    for request in range(50):
        guest.receive(request)
        now += 100
        guest.vm.advance_to(now, 1 << 20)
    assert guest.vm.positions == (0, *[now // 21 + 1] * (vcpus - 1))
    assert guest.served_ns == now
    assert guest.capture().owed_ns == 50 * 20
    assert len(guest.server.take_completed(now)) == now // 120


def test_a_guest_whose_stream_has_ended_serves_on() -> None:
    now = 0
    guest = Guest(virtual_machine(Program([Record(0)])), ReceiveRing(LINES, LINE_BYTES, 0), 100, lambda: now)
    guest.vm.resume(0)
    guest.vm.advance_to(50, 1 << 20)
    now = 50
    guest.receive(0)
    now = 1000
    guest.vm.advance_to(now, 1 << 20)
    assert guest.server.waiting == (Completion(0, 150),)
    assert guest.served_ns == 100


def test_more_service_than_any_run_has_time_for_is_no_overflow() -> None:
    guest = Guest(virtual_machine(endless()), ReceiveRing(LINES, LINE_BYTES, 0), 3600 * 10**9, lambda: 0)
    guest.vm.resume(0)
    for request in range(10):
        guest.receive(request)
    guest.vm.advance_to(2 * 3600 * 10**9, 1 << 20)
    assert guest.vm.positions == (0,)


def storing_guest(vcpus: int = 1) -> Guest:
    """Return a guest of which a request stores to three lines, two requests to different ones."""
    program = Program(*[[Record(0, instructions=10)] * 50] * vcpus)
    ring = ReceiveRing(LINES, LINE_BYTES, 0)
    guest = Guest(
        virtual_machine(program), ring, SERVICE_NS, lambda: 0, StoreRing(ring, LINE_BYTES, 3 * LINE_BYTES - 5)
    )
    guest.start(program, GuestState((0,) * vcpus, 0))
    guest.vm.resume(0)
    return guest


@pytest.mark.parametrize("vcpus", [1, 3])
def test_a_request_stores_through_the_caches_and_takes_the_time_of_that(vcpus: int) -> None:
    guest = storing_guest(vcpus)
    processor = guest.vm.processor
    clocks = processor.state.clock.tolist()
    guest.receive(0)
    guest.receive(1)
    lines = guest.stores.written(0, 6)
    assert len(set(lines.tolist())) == 6
    assert np.flatnonzero(processor.image()).tolist() == sorted(lines.tolist())
    assert np.flatnonzero(processor.memory.versions).size == 0
    assert sorted(processor.flagged_lines.tolist()) == sorted(lines.tolist())
    assert guest.server.waiting[-1] == Completion(1, 2 * (SERVICE_NS + 3 * MISS_NS))
    busy = [2 * (SERVICE_NS + 3 * MISS_NS) * FS_PER_NS, *[0] * (vcpus - 1)]
    assert (processor.state.clock - clocks).tolist() == busy
    assert guest.capture().request_stores == 6
    guest.start(endless(), GuestState((0,), 500, request_stores=3))
    assert guest.request_stores == 3


def test_places_of_stores_lie_below_the_network_s() -> None:
    ring = ReceiveRing(LINES, LINE_BYTES, REQUEST_BYTES)
    stores = StoreRing(ring, LINE_BYTES, 4 * LINE_BYTES)
    written = stores.written(0, 1000)
    assert 0 <= written.min() < written.max() == ring.first - 1
