"""The page-modification log: a first store takes an entry, and so many of them an exit; none faults."""

import pytest

from ..machinery import LINE_BYTES
from .parts import Protected, store

PAGE_LINES = 4096 // LINE_BYTES
#: Writing an entry takes a line of the memory's bandwidth, femtoseconds.
ENTRY_FS = 1_000_000


def protected(buffer: int = 512) -> Protected:
    costs = {"buffer": buffer, "exit": "5 us", "page": "70 ns", "flush": "11 us"}
    return Protected("page-modification-log", **{"replication.page_tracking": costs})


@pytest.mark.parametrize(("buffer", "exits"), [(512, 0), (3, 1), (2, 2)])
def test_a_first_store_takes_an_entry_and_a_full_buffer_an_exit(buffer: int, exits: int) -> None:
    pages = [page * PAGE_LINES for page in range(5)]
    logged, free = (store(each.primary, *pages, *pages) for each in (protected(buffer), Protected("cold-restart")))
    assert logged - free == 5 * ENTRY_FS + exits * 5_000_000_000


@pytest.mark.parametrize("pages", [0, 3])
def test_a_checkpoint_empties_the_buffers_and_clears_each_page(pages: int) -> None:
    tracker = protected().protection.tracker
    tracker.note_device_write(range(pages * PAGE_LINES))
    assert tracker.find_ns == 5_000 + pages * 70 + 11_000
