"""Units known by their first store: read once, at a checkpoint that pays for each of them."""

import simpy

from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.first_stores import FirstStores

from .machinery import LINE_BYTES, new_node, new_site

PAGES = Tracking(Mode.FIRST_STORES, Leaving.FORGET, unit_lines=32)


def find(env: simpy.Environment, tracker: FirstStores) -> None:
    env.run(env.process(tracker.find_modified(lambda: iter(()))))  # type: ignore[arg-type, return-value]


def test_a_checkpoint_takes_the_units_and_begins_again() -> None:
    env = simpy.Environment()
    node = new_node(env, "primary", tracking=PAGES)
    tracker = FirstStores(new_site(env), node, lambda units: 10 + units.size)
    tracker.note_device_write(range(30, 34))
    assert tracker.find_ns == 12
    assert tracker.outstanding().tolist() == [0, 32]
    find(env, tracker)
    assert env.now == 12
    assert tracker.outstanding().size == 0
    assert tracker.read().tolist() == [0, 32 * LINE_BYTES]
    assert tracker.read().size == 0
