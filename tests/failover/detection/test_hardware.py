"""A report of the host's management controller: of a host that is down, and after its delay."""

import pytest

from .watch import NEVER, Pair

MS = 1_000_000


@pytest.mark.parametrize("what", ["crash", "stop"])
@pytest.mark.parametrize(("delay", "confirmation", "after_ns"), [("2 ms", "0 ns", 2 * MS), ("5 ms", "3 ms", 8 * MS)])
def test_a_host_that_is_down_is_reported_after_the_delay(
    what: str, delay: str, confirmation: str, after_ns: int
) -> None:
    assert Pair(kind="hardware", delay=delay, confirmation=confirmation).after(7 * MS, what) == after_ns


@pytest.mark.parametrize("what", ["freeze", "cut"])
def test_neither_a_hang_nor_a_cut_link_is_reported(what: str) -> None:
    assert Pair(kind="hardware", delay="2 ms").after(7 * MS, what, within_ns=1000 * MS) == NEVER
