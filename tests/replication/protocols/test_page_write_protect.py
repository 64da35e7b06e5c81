"""Write-protected pages: the first store to each faults, and a checkpoint protects them again."""

import pytest

from ..machinery import LINE_BYTES, LINES
from .parts import Protected, no_room, store, tracking_of

PAGE_LINES = 4096 // LINE_BYTES
COSTS = {"replication.page_tracking": {"fault": "3 us", "page": "70 ns", "flush": "11 us"}}


def test_the_first_store_to_a_page_faults_and_no_other() -> None:
    protected, free = Protected("page-write-protect", **COSTS), Protected("cold-restart")
    stores = [0, 1, PAGE_LINES - 1, PAGE_LINES, 0]
    assert store(protected.primary, *stores) - store(free.primary, *stores) == 2 * 3_000_000_000


def test_a_store_after_a_checkpoint_is_a_first_one_again() -> None:
    protected = Protected("page-write-protect", **COSTS)
    store(protected.primary, 0)
    protected.env.run(protected.env.process(protected.protection.tracker.find_modified(no_room)))
    assert store(protected.primary, 0) > 3_000_000_000
    assert store(protected.primary, 0) < 3_000_000_000


@pytest.mark.parametrize(("pages", "expected_ns"), [(0, 0), (1, 70 + 11_000), (3, 3 * 70 + 11_000)])
def test_a_checkpoint_pays_for_each_page_and_flushes_once_if_there_is_any(pages: int, expected_ns: int) -> None:
    protected = Protected("page-write-protect", **COSTS)
    protected.protection.tracker.note_device_write(range(pages * PAGE_LINES))
    assert protected.protection.tracker.find_ns == expected_ns


@pytest.mark.parametrize(("pages", "ranges"), [([], 0), ([0], 1), ([1, 2, 3], 1), ([0, 2, 3], 2), ([1, 3, 5], 3)])
def test_a_checkpoint_pays_for_each_run_of_pages(pages: list[int], ranges: int) -> None:
    costs = {"replication.page_tracking": {"page": "0 ns", "flush": "0 ns", "range": "900 ns"}}
    protected = Protected("page-write-protect", **costs)
    store(protected.primary, *(page * PAGE_LINES for page in pages))
    assert protected.protection.tracker.find_ns == ranges * 900


#: The memory has eight pages, whose entries come at once.
@pytest.mark.parametrize(("pages", "fetches"), [(0, 0), (2, 0), (3, 1)])
def test_a_walk_reads_all_entries_from_memory_if_many_pages_were_copied(pages: int, fetches: int) -> None:
    walk = {
        "found_by": "walk",
        "walk": "13 ns",
        "fetch": "400 ns",
        "evicted_by": "8 KiB",
        "flush": "0 ns",
        "page": "70 ns",
    }
    protected = Protected("page-write-protect", **{"replication.page_tracking": walk})
    protected.protection.tracker.note_device_write(range(pages * PAGE_LINES))
    assert protected.protection.tracker.find_ns == LINES // PAGE_LINES * 13 + fetches * 400 + pages * 70


@pytest.mark.parametrize(("granularity", "lines"), [(None, 32), ("16 KiB", 128), ("4 KiB", 32)])
def test_a_page_is_as_large_as_the_scenario_says(granularity: str | None, lines: int) -> None:
    tracking = tracking_of("page-write-protect", **{"replication.granularity": granularity})
    assert tracking.unit_lines == lines
    assert not tracking.logs
