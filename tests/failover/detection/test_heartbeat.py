"""Detection: silence, real or not, for as long as the timeout."""

import numpy as np
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from messages_for_tests import Mailbox, Parcel
from replication.machinery import LATENCY_NS, new_host

from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=80)
MESSAGE_NS = 64
#: From the beginning of a heartbeat to its arrival.
JOURNEY_NS = MESSAGE_NS + LATENCY_NS
NEVER = -1


class Watch:
    """Two hosts, one of which watches the other."""

    def __init__(self, interval_ns: int = 1000, timeout_ns: int = 3000) -> None:
        self.env = simpy.Environment()
        self.primary: Host = new_host(self.env)
        self.secondary: Host = new_host(self.env)
        spec = Detection.model_validate(
            {"interval": f"{interval_ns} ns", "timeout": f"{timeout_ns} ns", "message": f"{MESSAGE_NS} B"}
        )
        self.detector = HeartbeatDetector(self.env, spec, self.primary, self.secondary, np.random.default_rng(1))

    def declared_ns(self, until_ns: int = 50_000) -> int:
        """Return the instant at which the primary is taken for dead."""
        self.env.run(self.detector.declared | self.env.timeout(until_ns))
        return int(self.env.now) if self.detector.declared.processed else NEVER

    def occupy(self, payload_bytes: int) -> None:
        """Keep the way out of the primary busy from now on, a nanosecond a byte."""
        self.env.process(self.primary.out.send(Parcel(payload_bytes), Mailbox(self.env)))


def test_a_healthy_host_is_never_taken_for_dead() -> None:
    watch = Watch()
    assert watch.declared_ns(50_500) == NEVER
    assert len(watch.detector.heartbeats_ns) == 50


@EXAMPLES
@given(interval=st.integers(100, 3000), more=st.integers(1, 5000), crash=st.integers(1, 20_000))
def test_a_host_is_taken_for_dead_a_timeout_after_its_last_heartbeat(interval: int, more: int, crash: int) -> None:
    timeout = interval + JOURNEY_NS + more
    watch = Watch(interval, timeout)
    watch.env.run(until=crash)
    watch.primary.crash()
    left = [beat for beat in range(0, crash, interval) if beat + MESSAGE_NS <= crash]
    heard = left[-1] + JOURNEY_NS if left else LATENCY_NS
    assert watch.declared_ns() == heard + timeout
    assert len(watch.detector.heartbeats_ns) == len(left)


def test_a_host_that_is_never_heard_of_is_taken_for_dead_when_it_could_have_been_heard() -> None:
    watch = Watch()
    watch.primary.out.sever()
    assert watch.declared_ns() == LATENCY_NS + 3000


def test_heartbeats_behind_much_traffic_come_too_late() -> None:
    watch = Watch()
    watch.env.run(until=10_500)
    watch.occupy(10_000)
    assert watch.declared_ns() == 10_000 + JOURNEY_NS + 3000
    assert watch.primary.up
    watch.env.run(until=30_000)
    assert len(watch.detector.heartbeats_ns) == 30


def test_heartbeats_that_find_the_queue_full_are_lost() -> None:
    watch = Watch()
    watch.env.run(until=10_500)
    watch.occupy(2_000_000)
    assert watch.declared_ns() == 10_000 + JOURNEY_NS + 3000
    assert watch.primary.out.statistics.lost_datagrams == 3


def test_traffic_that_is_short_enough_does_no_harm() -> None:
    watch = Watch()
    watch.env.run(until=10_500)
    watch.occupy(1_900)
    assert watch.declared_ns() == NEVER


def test_a_host_that_has_crashed_itself_declares_nothing() -> None:
    watch = Watch()
    watch.secondary.crash()
    watch.primary.crash()
    assert watch.declared_ns() == NEVER
