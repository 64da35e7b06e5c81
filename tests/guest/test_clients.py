"""The clients: random arrivals that a seed repeats, one answer a request, and retries after a takeover."""

from math import sqrt

import numpy as np
import pytest
import simpy
from programs import LINE_BYTES, LINES, endless, virtual_machine

from vmfailover.guest.clients import Clients, Request
from vmfailover.guest.guest import Guest, GuestState, ReceiveRing
from vmfailover.guest.server import Completion
from vmfailover.scenario.network import Clients as ClientsSpec

LATENCY = 50_000
RETRY = 1_000_000


class Network:
    """Clients, and guests that note which requests reach them, and when."""

    def __init__(self, rate: str = "100000 /s", seed: int = 1) -> None:
        self.env = simpy.Environment()
        spec = {"rate": rate, "service": "1 us", "latency": "50 us", "retry": "1 ms", "request": "0 B"}
        self.clients = Clients(self.env, ClientsSpec.model_validate(spec), np.random.default_rng(seed))
        self.env.process(self.clients.run())
        #: Of each request, in the order of arrival: its number and the instant.
        self.reached: list[tuple[int, int]] = []

    def guest(self, waiting: tuple[Completion, ...] = ()) -> Guest:
        ring = ReceiveRing(LINES, LINE_BYTES, 0)
        guest = Guest(virtual_machine(endless()), ring, 1000, lambda: int(self.env.now))
        guest.start(endless(), GuestState((0,), 0, waiting))
        guest.vm.resume(int(self.env.now))
        guest.on_accept.append(lambda completion: self.reached.append((completion.request, int(self.env.now))))
        return guest

    @property
    def requests(self) -> list[int]:
        return [request for request, _ in self.reached]


def arrived(network: Network) -> list[Request]:
    """Return the requests that have come to the VM's network by now."""
    return [each for each in network.clients.requests if each.sent_ns + LATENCY <= network.env.now]


def unanswered(network: Network) -> list[int]:
    return [each.request for each in network.clients.requests if each.received_ns is None]


def answered(network: Network) -> list[int]:
    return [each.request for each in network.clients.requests if each.received_ns is not None]


def arrivals(seed: int, until_ns: int = 100_000_000) -> list[int]:
    network = Network(seed=seed)
    network.clients.connect(network.guest())
    network.env.run(until=until_ns)
    assert network.requests == list(range(len(arrived(network))))
    return [instant for _, instant in network.reached]


def test_arrivals_are_poisson() -> None:
    instants = arrivals(seed=1)
    expected = 10_000
    assert abs(len(instants) - expected) < 5 * sqrt(expected)
    gaps = np.diff(instants)
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.05)
    assert np.quantile(gaps, 0.5) == pytest.approx(np.log(2) * 10_000, rel=0.05)


def test_a_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    assert arrivals(1, 1_000_000) == arrivals(1, 1_000_000) != arrivals(2, 1_000_000)


def test_arrivals_do_not_depend_on_answers() -> None:
    network = Network()
    guest = network.guest()
    network.clients.connect(guest)
    guest.on_accept.append(lambda completion: network.clients.respond(completion.request))
    network.env.run(until=1_000_000)
    assert [each.sent_ns + LATENCY for each in arrived(network)] == arrivals(1, 1_000_000)
    network.env.run(until=1_000_000 + LATENCY)
    assert answered(network) == [each.request for each in arrived(network) if each.sent_ns < 1_000_000 - LATENCY]


def test_an_answer_takes_the_latency_both_ways() -> None:
    network = Network()
    network.clients.connect(network.guest())
    network.env.run(until=100_000)
    (request, instant), *_ = network.reached
    network.clients.respond(request)
    network.env.run(until=99_999 + LATENCY)
    assert network.clients.requests[request].received_ns is None
    network.env.run(until=100_000 + LATENCY)
    assert network.clients.requests[request] == Request(request, instant - LATENCY, 100_000 + LATENCY)


def test_a_request_is_answered_once() -> None:
    network = Network()
    network.clients.connect(network.guest())
    network.env.run(until=200_000)
    assert len(unanswered(network)) == len(network.clients.requests) > 2
    for request in (1, 1, 0, 1):
        network.clients.respond(request)
    assert answered(network) == []
    network.env.run(until=200_001 + LATENCY)
    assert answered(network) == [0, 1]


def taken_over(waiting: tuple[int, ...], failed_ns: int = 500_000, back_ns: int = 2_300_000) -> Network:
    """Let a network fail and another guest take over, in which some requests wait already."""
    network = Network(rate="20000 /s")
    network.clients.connect(network.guest())
    network.env.run(until=failed_ns)
    network.clients.connect(None)
    network.env.run(until=back_ns)
    network.clients.connect(network.guest(tuple(Completion(request, 1) for request in waiting)))
    return network


def test_nothing_arrives_while_the_network_delivers_to_nobody() -> None:
    network = taken_over(waiting=())
    assert len(arrived(network)) > len(network.reached)
    assert max(instant for _, instant in network.reached) < 500_000


def test_what_was_lost_is_sent_again_when_its_retry_is_due() -> None:
    network = taken_over(waiting=())
    first = dict(network.reached)
    lost = len(arrived(network))
    network.env.run(until=2_300_000 + 2 * RETRY)
    again = {request: instant for request, instant in network.reached if instant >= 2_300_000 and request < lost}
    assert again.keys() == set(range(lost))
    assert len(network.requests) == len(first) + len(arrived(network))
    for request, instant in first.items():
        assert again[request] - instant in (3 * RETRY, 7 * RETRY)
        assert again[request] - 2_300_000 < 4 * RETRY


def test_what_waits_in_the_guest_is_not_sent_again() -> None:
    network = taken_over(waiting=(0, 2))
    lost = len(arrived(network))
    assert lost > 3
    before = len(network.reached)
    network.env.run(until=2_300_000 + 2 * RETRY)
    again = [request for request in network.requests[before:] if request < lost]
    assert sorted(again) == [request for request in range(lost) if request not in (0, 2)]


def test_what_is_answered_before_its_retry_is_not_sent_again() -> None:
    network = taken_over(waiting=())
    before = len(network.reached)
    network.env.run(until=2_300_001)
    network.clients.respond(0)
    network.env.run(until=2_300_000 + RETRY)
    assert 0 not in network.requests[before:]
    network.env.run(until=2_300_002 + LATENCY + RETRY)
    assert answered(network) == [0]


def test_a_guest_that_fails_again_loses_what_is_sent() -> None:
    network = taken_over(waiting=())
    before = len(network.reached)
    network.clients.connect(None)
    network.env.run(until=2_300_000 + 2 * RETRY)
    assert len(network.reached) == before


def test_what_is_under_way_when_a_guest_takes_over_comes_once() -> None:
    sent = next(each.sent_ns for each in taken_over(waiting=()).clients.requests if each.sent_ns > 2_000_000)
    network = taken_over(waiting=(), back_ns=sent + LATENCY // 2)
    under_way = {each.request for each in network.clients.requests} - {each.request for each in arrived(network)}
    assert under_way
    network.env.run(until=2_300_000 + 8 * RETRY)
    assert all(network.requests.count(request) == 1 for request in under_way)
