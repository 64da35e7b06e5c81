"""The outlet: what leaves for clients, and what is noted of it."""

from typing import Any

import numpy as np
import simpy
from replication.machinery import SERVICE_NS, new_node

from vmfailover.guest.clients import Clients
from vmfailover.guest.outlet import Outlet, Release
from vmfailover.guest.server import Completion
from vmfailover.scenario.network import Clients as ClientsSpec


class Hosts:
    """A secondary, and clients that send a request after a while."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        spec: dict[str, Any] = {"kind": "open", "rate": "1000 /s", "latency": "10 ns"}
        self.clients = Clients(self.env, ClientsSpec.model_validate(spec), np.random.default_rng(1))
        self.secondary = new_node(self.env)
        self.primary = new_node(self.env, "primary")
        self.outlet = Outlet(self.env, self.clients, self.primary, self.secondary)
        self.env.process(self.clients.run())
        while not self.clients.requests:
            self.env.step()
        self.env.run(until=self.env.now + 11)
        self.now = int(self.env.now)

    def answered(self) -> int | None:
        """Return when the first client has had its answer."""
        self.env.run(until=self.now + 100)
        return self.clients.requests[0].received_ns


def test_a_release_is_noted_and_reaches_the_client() -> None:
    hosts = Hosts()
    hosts.outlet.release(Completion(0, 7))
    assert hosts.outlet.releases == [Release(7, hosts.now, agreed=False)]
    assert hosts.answered() == hosts.now + 10


def test_a_secondary_that_has_produced_the_same_output_agrees() -> None:
    hosts = Hosts()
    completion = hosts.secondary.guest.server.accept(0, 0, SERVICE_NS)
    hosts.outlet.release(completion)
    hosts.secondary.vm.resume(0)
    hosts.outlet.release(completion)
    assert hosts.now > SERVICE_NS
    assert [release.agreed for release in hosts.outlet.releases] == [False, True]


def test_what_leaves_without_a_secondary_is_noted_apart() -> None:
    hosts = Hosts()
    hosts.outlet.respond_alone(Completion(0, 7))
    assert (hosts.outlet.releases, hosts.outlet.alone_ns) == ([], [hosts.now])
    assert hosts.answered() == hosts.now + 10


def test_what_leaves_after_a_takeover_is_no_release() -> None:
    hosts = Hosts()
    hosts.outlet.respond(Completion(0, 7))
    assert (hosts.outlet.releases, hosts.outlet.alone_ns) == ([], [])
    assert hosts.answered() == hosts.now + 10


def test_the_network_turns_to_a_guest() -> None:
    hosts = Hosts()
    guest = hosts.secondary.guest
    hosts.secondary.vm.resume(0)
    hosts.outlet.redirect(guest)
    hosts.env.run(until=hosts.now + 20_000_000)
    assert guest.server.ready_ns(1) is not None


def test_without_clients_nothing_leaves() -> None:
    env = simpy.Environment()
    outlet = Outlet(env, None, new_node(env), new_node(env))
    outlet.release(Completion(0, 7))
    outlet.redirect(new_node(env).guest)
    assert len(outlet.releases) == 1
