"""Takeover: verdict, fencing, image, restore and redirect, in this order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import simpy
from replication.machinery import LINES, batch, marker, new_site
from replication.outlets import WatchedOutlet

from vmfailover.failover.fencing.fencing import new_fencing
from vmfailover.failover.quorum import Quorum
from vmfailover.failover.takeover import Takeover
from vmfailover.replication.messages import Acknowledgement
from vmfailover.replication.protocols.cacheline_flags.protection import CachelineFlags
from vmfailover.scenario.failover import Fencing
from vmfailover.scenario.quorum import Quorum as QuorumSpec

RESTORE, REDIRECT, FENCING = 40, 30, 20
LINE_NS = 2
#: Longer than any takeover here.
LONG_NS = 1000


class Receiving(CachelineFlags):
    """The secondary's side alone: nobody waits for an acknowledgement."""

    def acknowledged(self, message: Acknowledgement) -> None:
        del message


class Scene:
    """A secondary that is ready to take over, and what it has activated: (state, instant)."""

    def __init__(self, fencing: str = "stonith", priority_delay_ns: int = 0, **keys: Any) -> None:
        self.env = simpy.Environment()
        hypervisor = {"restore": f"{RESTORE} ns", "redirect": f"{REDIRECT} ns"}
        site = new_site(self.env, hypervisor=hypervisor)
        outlet = WatchedOutlet(self.env, site.primary, site.secondary)
        context = replace(site, outlet=outlet)
        self.primary, self.secondary, self.event_log = context.primary.host, context.secondary.host, context.event_log
        self.protection = Receiving(context)
        self.protection.receiver.start()
        self.declared = self.env.event()
        #: Guest time and instant of each activation.
        self.activated = outlet.redirected
        spec = Fencing.model_validate({"kind": fencing, "delay": f"{FENCING} ns", **keys})
        way = new_fencing(self.env, spec, np.random.default_rng(1))
        quorum = Quorum(self.env, QuorumSpec(), np.random.default_rng(1))
        takeover = Takeover(self.protection, way, quorum, self.event_log, self.secondary, priority_delay_ns)
        self.secondary.run(takeover.run(self.declared, self.primary))

    def receive(self, epoch: int, versions: dict[int, int], *, whole: bool = True) -> None:
        part = batch(epoch, versions)
        self.protection.receiver.endpoint.receive(part)
        if whole:
            self.protection.receiver.endpoint.receive(marker(epoch, [part]))

    def declare_at(self, instant: int) -> None:
        self.env.run(until=instant)
        self.declared.succeed()
        self.env.run(until=instant + LONG_NS)

    @property
    def steps(self) -> list[tuple[str, int, int]]:
        kinds = ("detect", "fence", "image-complete", "takeover")
        return [(event.kind, event.time_ns, event.epoch) for event in self.event_log.events if event.kind in kinds]


def test_nothing_happens_without_a_verdict() -> None:
    scene = Scene()
    scene.env.run(until=1000)
    assert (scene.steps, scene.activated, scene.primary.up) == ([], [], True)


@pytest.mark.parametrize(("fencing", "delay"), [("stonith", FENCING), ("none", 0)])
def test_a_takeover_takes_its_steps_in_their_times(fencing: str, delay: int) -> None:
    scene = Scene(fencing)
    scene.receive(0, {1: 5})
    scene.declare_at(100)
    complete = 100 + delay
    end = complete + RESTORE + REDIRECT
    assert scene.steps == [
        ("detect", 100, -1),
        ("fence", complete, -1),
        ("image-complete", complete, 0),
        ("takeover", end, 0),
    ]
    assert scene.activated == [(1, end)]
    assert scene.primary.up == (fencing == "none")


def test_the_host_without_the_vm_waits_for_its_priority_delay() -> None:
    scene = Scene(priority_delay_ns=300)
    scene.receive(0, {1: 5})
    scene.env.run(until=100)
    scene.declared.succeed()
    scene.env.run(until=100 + 300)
    assert scene.primary.up
    scene.env.run(until=LONG_NS)
    assert scene.steps[:2] == [("detect", 100, -1), ("fence", 100 + 300 + FENCING, -1)]
    assert not scene.primary.up


def test_what_is_committed_is_applied_first_and_what_is_staged_is_discarded() -> None:
    scene = Scene("none")
    lines = {line: 3 for line in range(30)}
    scene.env.run(until=100)
    scene.receive(0, lines)
    scene.receive(1, {1: 9}, whole=False)
    versions = scene.secondary.memory.versions
    found: list[dict[int, int]] = []
    scene.event_log.on(
        "image-complete", lambda _: found.append({n: int(versions[n]) for n in range(LINES) if versions[n]})
    )
    scene.declare_at(101)
    (image_complete,) = (event for event in scene.event_log.events if event.kind == "image-complete")
    assert image_complete.time_ns == 100 + 30 * LINE_NS
    assert found == [lines]


def test_without_a_commit_the_vm_starts_over() -> None:
    scene = Scene()
    scene.receive(0, {1: 9}, whole=False)
    scene.declare_at(100)
    assert [guest_ns for guest_ns, _ in scene.activated] == [0]
    assert scene.steps[-1][2] == -1


def test_a_primary_that_cannot_be_fenced_is_told_of_and_not_taken_over() -> None:
    scene = Scene(failure_probability="100 %", attempts=2)
    scene.declare_at(100)
    (failed,) = (event for event in scene.event_log.events if event.kind == "fencing-failed")
    assert (failed.time_ns, failed.host, failed.detail) == (100 + 2 * FENCING, "secondary", "primary")
    assert scene.activated == []


def test_an_epoch_that_becomes_whole_during_fencing_counts() -> None:
    scene = Scene()

    def arrive() -> Any:
        yield scene.env.timeout(100 + FENCING // 2)
        scene.receive(0, {1: 5})

    scene.env.process(arrive())
    scene.declare_at(100)
    assert [guest_ns for guest_ns, _ in scene.activated] == [1]


def test_a_secondary_that_crashes_does_not_take_over() -> None:
    scene = Scene()
    scene.env.run(until=50)
    scene.secondary.crash()
    scene.declare_at(100)
    assert scene.activated == []


def test_a_vm_of_which_nothing_can_go_on_is_lost_once_its_host_is_fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(protection: Receiving) -> Iterator[simpy.Event]:
        yield protection.env.timeout(5)

    monkeypatch.setattr(Receiving, "complete", nothing)
    scene = Scene()
    scene.declare_at(100)
    assert scene.activated == []
    told = [(event.kind, event.time_ns, event.host) for event in scene.event_log.events]
    assert told == [("detect", 100, "secondary"), ("fence", 120, "secondary"), ("lost", 125, "secondary")]
