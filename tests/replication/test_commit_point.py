"""The commit point: where the secondary can go on, and how the primary learns of it."""

import simpy

from vmfailover.records.events import Kind
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.messages import HEADER_BYTES, Acknowledgement

from .machinery import LATENCY_NS, batch, marker, new_site, state


def test_it_begins_before_the_first_epoch_of_the_protection() -> None:
    site = new_site(simpy.Environment())
    site.recorder.began(0)
    assert (CommitPoint(site).epoch, CommitPoint(site).state) == (0, site.start)


def test_a_commit_is_recorded_and_reaches_the_primary_as_an_acknowledgement() -> None:
    site = new_site(simpy.Environment())
    point, acknowledged = CommitPoint(site), list[tuple[int, int]]()
    point.acknowledgements.on(Acknowledgement, lambda each: acknowledged.append((each.epoch, int(site.env.now))))
    point.commit(marker(3, [batch(3, {1: 1, 2: 1})]), lines=2)
    assert (point.epoch, point.state) == (3, state(4))
    (event,) = site.event_log.events
    assert (event.kind, event.host, event.epoch, event.count) == (Kind.COMMIT, "secondary", 3, 2)
    assert event.duration_ns == LATENCY_NS
    site.env.run()
    assert acknowledged == [(3, HEADER_BYTES + LATENCY_NS)]


def test_a_primary_that_is_down_learns_nothing() -> None:
    site = new_site(simpy.Environment())
    point, acknowledged = CommitPoint(site), list[int]()
    point.acknowledgements.on(Acknowledgement, lambda each: acknowledged.append(each.epoch))
    point.acknowledge(3)
    site.primary.host.crash()
    site.env.run()
    assert acknowledged == []
