"""Dirty bits in the page tables: stores cost nothing, and a checkpoint looks at every page."""

import pytest

from ..machinery import LINE_BYTES, LINES
from .parts import Protected, no_room, store

PAGE_LINES = 4096 // LINE_BYTES
COSTS = {"replication.page_tracking": {"walk": "13 ns", "page": "70 ns", "flush": "11 us"}}


def test_stores_cost_nothing() -> None:
    stores = [page * PAGE_LINES for page in range(5)]
    tracked, free = (Protected(protocol) for protocol in ("page-dirty-bits", "cold-restart"))
    assert store(tracked.primary, *stores) == store(free.primary, *stores)


@pytest.mark.parametrize("pages", [0, 3])
def test_a_checkpoint_reads_every_entry_and_clears_those_that_are_set(pages: int) -> None:
    tracker = Protected("page-dirty-bits", **COSTS).protection.tracker
    tracker.note_device_write(range(pages * PAGE_LINES))
    assert tracker.find_ns == LINES // PAGE_LINES * 13 + pages * 70 + 11_000


def test_pages_stored_to_are_found_once() -> None:
    protected = Protected("page-dirty-bits", **COSTS)
    tracker = protected.protection.tracker
    for expected in ([0, 64 * LINE_BYTES], []):
        if expected:
            store(protected.primary, 70, 3, 64)
        protected.env.run(protected.env.process(tracker.find_modified(no_room)))
        assert tracker.read().tolist() == expected
