"""Output comparison: what its steps cost, and what holds wherever a run of it ends."""

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simpy
from runs_for_tests import broken, happened, observe, reached
from scenarios_for_tests import minute, small

from replication.machinery import LATENCY_NS, LINE_BYTES, SERVICE_NS, batch, cluster, new_site
from vmfailover.records.events import Kind
from vmfailover.replication.messages import HEADER_BYTES
from vmfailover.simulation import run

from .parts import OutputCompare, Protected, everything

QUIET = {"failures": [], "replication.output_compare.divergence": "0 %"}
UNITS = np.array([1, 2, 5], np.int64)


def differing(**overrides: object) -> tuple[int, list[int]]:
    """Return how long it takes to find which of three units differ, and those that are to be sent."""
    env = simpy.Environment()
    protection = OutputCompare(new_site(env, **{"replication.protocol": "output-compare", **overrides}))
    found: list[int] = []

    def find() -> Generator[simpy.Event, Any, None]:
        found.extend((yield from protection.primary_side.memory.differing(UNITS)))

    env.process(find())
    env.run()
    return int(env.now), found


@pytest.mark.parametrize("threads", [1, 4])
def test_pages_are_hashed_by_so_many_threads(threads: int) -> None:
    spec = {"replication.output_compare": {"hashing": True, "hash": "8 us", "hash_threads": threads}}
    link = {"link.bandwidth": "8 Gbit/s", "link.latency": "700 ns", "link.overhead": "0 B"}
    found_ns = 3 * 100 + 2000
    hashed_ns = 3 * 8000 // threads + 3 * 145
    exchanged_ns = 3 * 8 + 700
    assert differing(**spec, **link)[0] == found_ns + hashed_ns + exchanged_ns


def test_without_hashing_every_page_is_sent() -> None:
    assert differing() == (3 * 100 + 2000, UNITS.tolist())


@pytest.mark.parametrize(("same", "sent"), [("100 %", []), ("0 %", UNITS.tolist())])
def test_with_hashing_pages_that_are_the_same_stay_at_home(same: str, sent: list[int]) -> None:
    assert differing(**{"replication.output_compare": {"hashing": True, "same": same}})[1] == sent


#: From a request's arrival to that of the secondary's answer: the request, its service, and the answer, to compare.
COMPARABLE_NS = (HEADER_BYTES + 100 + LATENCY_NS) + SERVICE_NS + (HEADER_BYTES + 300 + LATENCY_NS)


def compared(**spec: object) -> Protected:
    """Return a VM on two hosts whose outputs never differ, or as `spec` says."""
    return Protected("output-compare", **{"replication.output_compare": {"divergence": "0 %", **spec}})


@pytest.mark.parametrize("compare_ns", [0, 30_000])
def test_an_answer_leaves_when_the_secondary_s_is_there_and_compared(compare_ns: int) -> None:
    protected = compared(compare=f"{compare_ns} ns")
    protected.start([1], until=100_000)
    assert protected.released == [(1, COMPARABLE_NS + compare_ns)]
    assert protected.protection.remarks == ("0 of 1 outputs compared differed",)


def test_an_answer_that_differs_leaves_with_the_synchronisation_that_it_asks_for() -> None:
    protected = compared(divergence="100 %", compare="1 us")
    protected.start([1], until=300_000)
    epoch = protected.context.recorder.epochs[0]
    assert epoch.paused_ns == COMPARABLE_NS + 1_000
    assert [output.request for output in epoch.outputs] == [1]
    assert protected.released == [(1, epoch.acknowledged_ns)]
    assert protected.protection.remarks == ("1 of 1 outputs compared differed",)


def test_hosts_are_synchronised_after_the_longest_interval_at_the_latest() -> None:
    protected = compared(longest_interval="20 us")
    protected.start(until=15_000)
    assert protected.times("pause") == []
    protected.env.run(until=25_000)
    assert protected.times("pause") == [20_000]


def test_synchronised_hosts_are_alike() -> None:
    protected = compared(longest_interval="20 us")
    protected.start()
    while not protected.times("apply"):
        protected.env.step()
    assert everything(protected.secondary.host.processor).any()
    assert not protected.protection.primary_side.memory.differ(np.arange(8)).any()
    assert protected.protection.committed == protected.context.recorder.epochs[0].state


def test_to_load_takes_copying_and_the_state_of_each_vcpu() -> None:
    protected = Protected("output-compare", **{"hypervisor.vcpu_capture": "9 us"})
    assert protected.protection.secondary_side.load_ns(10) == 10 * 2 + 9_000


def test_after_a_failover_clients_get_what_the_secondary_has_answered() -> None:
    protected = compared(compare="30 us")
    protected.start([1], until=2_000)
    state = protected.complete()
    assert protected.protection.going_on is protected.secondary
    protected.protection.activate(state)
    protected.secondary.guest.receive(2)
    protected.env.run(until=3_000)
    assert protected.responded == [(1, 2_000), (2, 2_000 + SERVICE_NS)]


def test_what_arrives_after_the_failover_is_not_staged() -> None:
    protected = compared()
    protected.start(until=1_000)
    before = protected.protection.memory_bytes
    protected.protection.secondary_side.endpoint.receive(batch(0, {1: 5, 2: 6}))
    assert protected.protection.memory_bytes - before == 2 * LINE_BYTES
    protected.complete()
    protected.protection.secondary_side.endpoint.receive(batch(0, {3: 5}))
    assert protected.protection.lines_received == 2


def test_outputs_held_are_those_that_wait_to_be_compared() -> None:
    protected = compared()
    protected.start([1, 2], until=SERVICE_NS + 1)
    assert [output.request for output in protected.protection.outputs_held()] == [1]


def test_hosts_on_which_nothing_is_modified_agree() -> None:
    spec = {"hashing": True, "longest_interval": "1 ms"}
    nothing = {"kind": "zipf", "working_set": "64 KiB", "store_fraction": "0 %"}
    result = run(
        small("output-compare", failures=[], clients=None, workload=nothing, **{"replication.output_compare": spec})
    )
    assert len(happened(result, "commit")) > 5
    assert all(verdict.holds for verdict in result.verdicts)


def test_every_answer_waits_for_its_comparison() -> None:
    compare = ("0 ns", "30 us")
    runs = [run(small("output-compare", **QUIET, **{"replication.output_compare.compare": each})) for each in compare]
    at_once, later = ({each.request: each.received_ns for each in result.responses} for result in runs)
    both = at_once.keys() & later.keys()
    assert len(both) > 100
    assert {later[request] - at_once[request] for request in both} == {30_000}


def test_the_secondary_takes_its_time_to_load() -> None:
    whole = cluster("output-compare")
    events = {(event.kind, event.epoch): event.time_ns for event in whole.event_log.events}
    spec, out = whole.secondary.host.processor.spec, whole.link.backward
    loaded = [epoch for epoch in whole.epochs if epoch.acknowledged_ns is not None]
    assert any(epoch.lines > 1000 for epoch in loaded)
    for epoch in loaded:
        copied_ns = -(-2 * epoch.lines * LINE_BYTES * 10**9 // spec.memory.bandwidth)
        told_ns = out.serialisation_ns(HEADER_BYTES) + out.spec.latency
        assert reached(epoch.acknowledged_ns) - events[Kind.COMMIT, epoch.number] >= copied_ns + 5_000 + told_ns


def test_an_answer_is_told_of_once_though_the_guest_is_set_to_another_state() -> None:
    whole = cluster("output-compare", **{"replication.output_compare.divergence": "50 %"})
    assert isinstance(whole.protection, OutputCompare)
    assert len([epoch for epoch in whole.epochs if epoch.acknowledged_ns is not None]) > 5
    told = [completion.request for completion in whole.protection.secondary_side.produced]
    assert len(told) == len(set(told))


#: From before the failure to after the takeover.
ENDS = range(435, 950, 43)


@pytest.mark.parametrize("variant", ["output-compare", pytest.param("output-compare-hashing", marks=pytest.mark.slow)])
def test_everything_holds_wherever_the_run_ends(variant: str) -> None:
    """The VM that goes on is the secondary's from when its state is taken, though clients do not reach it yet."""
    slow = {"hypervisor.restore": "20 us", "hypervisor.redirect": "200 us"}
    between = 0
    for end_us in ENDS:
        observed = observe(minute(variant, duration=f"{end_us} us", **slow))
        assert not broken(observed), f"the run ends after {end_us} us"
        kinds = [event.kind for event in observed.result.event_rows]
        between += "image-complete" in kinds and "takeover" not in kinds
    assert between >= 3


#: Heartbeats wait behind the pages of a synchronisation, and the secondary takes the primary for dead.
CROWDED: dict[str, Any] = {
    "hosts": {"primary": {"preset": "power7"}, "secondary": {"preset": "power7"}},
    "vm.memory": "4 MiB",
    "workload": {
        "kind": "sequential",
        "working_set": "1 MiB",
        "store_fraction": "100 %",
        "instructions_per_access": 0.01,
    },
    "replication.batch": 100_000,
    "replication.output_compare": {"divergence": "100 %", "hashing": True, "longest_interval": "1 ms", "same": "0 %"},
    "link.queue": "1500 kB",
    "detection": {"interval": "50 us", "timeout": "51 us"},
    "fencing.delay": "0 ns",
    "hypervisor.redirect": "700 us",
    "clients": None,
    "failures": [],
}


@pytest.mark.slow
def test_everything_holds_after_a_false_alarm() -> None:
    between = 0
    for end_us in range(1300, 2900, 160):
        observed = observe(small("output-compare", duration=f"{end_us} us", **CROWDED))
        assert not broken(observed), f"the run ends after {end_us} us"
        assert observed.result.values["failover.false_alarms"] or end_us < 1700
        kinds = [event.kind for event in observed.result.event_rows]
        between += "image-complete" in kinds and "takeover" not in kinds
    assert between >= 3
    assert "takeover" in kinds


def test_synchronisations_are_as_far_apart_as_the_longest_interval() -> None:
    result = run(small("output-compare", **QUIET, **{"replication.output_compare.longest_interval": "1 ms"}))
    epochs = [epoch for epoch in result.epoch_rows if epoch.acknowledged_ns >= 0]
    assert len(epochs) > 4
    assert all(later.paused_ns - before.acknowledged_ns == 1_000_000 for before, later in pairwise(epochs))
