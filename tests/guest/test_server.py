"""The service of the guest: first in, first out, one at a time."""

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.guest.server import Completion, RequestServer

SERVICE_NS = 10
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=100)
ARRIVALS = st.lists(st.integers(0, 30), max_size=20).map(lambda gaps: list(accumulate(gaps)))


def accepted(server: RequestServer, arrivals: list[int], first: int = 0) -> list[Completion]:
    return [server.accept(first + number, instant, SERVICE_NS) for number, instant in enumerate(arrivals)]


def test_an_idle_server_begins_at_once() -> None:
    assert RequestServer().accept(7, 100, SERVICE_NS) == Completion(7, 110)


def test_a_busy_server_lets_a_request_wait() -> None:
    server = RequestServer()
    assert [done.guest_ns for done in accepted(server, [100, 101, 150])] == [110, 120, 160]


@EXAMPLES
@given(ARRIVALS)
def test_answers_come_in_order_each_after_its_own_service(arrivals: list[int]) -> None:
    done = accepted(RequestServer(), arrivals)
    free = 0
    for number, (arrival, completion) in enumerate(zip(arrivals, done, strict=True)):
        free = max(arrival, free) + SERVICE_NS
        assert completion == Completion(number, free)


@EXAMPLES
@given(ARRIVALS, st.lists(st.integers(0, 1000), max_size=5).map(sorted))
def test_every_answer_is_taken_once_when_it_is_ready(arrivals: list[int], looks: list[int]) -> None:
    server = RequestServer()
    done = accepted(server, arrivals)
    taken: list[Completion] = []
    for look in looks:
        taken += server.take_completed(look)
        assert taken == [completion for completion in done if completion.guest_ns <= look]
        assert server.waiting == tuple(done[len(taken) :])


@EXAMPLES
@given(ARRIVALS, ARRIVALS, st.integers(0, 300))
def test_a_restored_server_goes_on_as_the_captured_one(before: list[int], later: list[int], look: int) -> None:
    captured = RequestServer()
    accepted(captured, before)
    captured.take_completed(look)
    restored = RequestServer(captured.waiting, captured.accepted_ns)
    resumed = [max(look, *before, 0) + gap for gap in later]
    assert accepted(captured, resumed, 100) == accepted(restored, resumed, 100)
    assert captured.waiting == restored.waiting
    assert captured.accepted_ns == restored.accepted_ns


@EXAMPLES
@given(ARRIVALS, st.integers(0, 300))
def test_the_time_served_is_that_in_which_the_server_was_busy(arrivals: list[int], look: int) -> None:
    arrivals = [instant for instant in arrivals if instant <= look]
    server = RequestServer()
    busy = [0] * (look + SERVICE_NS * len(arrivals))
    for completion in accepted(server, arrivals):
        for instant in range(completion.guest_ns - SERVICE_NS, completion.guest_ns):
            busy[instant] += 1
    assert max(busy, default=0) <= 1
    assert server.served_ns(look) == sum(busy[:look])
    assert server.accepted_ns == sum(busy)
