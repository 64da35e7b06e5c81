"""Cold restart: nothing is replicated, so nothing waits, and what comes back is what there was at the start."""

import pytest

from ..machinery import LINE_BYTES, LINES, SERVICE_NS
from .parts import Protected

TIMES = {"hypervisor.restore": "3 us", "hypervisor.redirect": "50 us"}
RESTORE = {"kind": "restore", "storage": "2 GB/s", "boot": "70 us"}
BOOT = {**RESTORE, "kind": "boot"}


def test_answers_leave_as_they_become_ready() -> None:
    protected = Protected("cold-restart")
    protected.start([1, 2], until=1000)
    assert protected.released == [(1, SERVICE_NS), (2, 2 * SERVICE_NS)]


@pytest.mark.parametrize(("restart", "reads_ns"), [(RESTORE, LINES * LINE_BYTES // 2), (BOOT, 0)])
def test_an_image_is_read_whole_and_a_boot_reads_none(restart: dict[str, str], reads_ns: int) -> None:
    protected = Protected("cold-restart", **{"replication.restart": restart})
    protected.start([1], until=1000)
    assert protected.complete() == protected.context.start
    assert protected.env.now == 1000 + reads_ns


@pytest.mark.parametrize(("restart", "expected_ns"), [(RESTORE, 53_000), (BOOT, 120_000)])
def test_the_network_learns_of_it_after_the_boot_or_the_restore(restart: dict[str, str], expected_ns: int) -> None:
    assert (
        Protected("cold-restart", **{"replication.restart": restart}, **TIMES).protection.activation_ns == expected_ns
    )


def test_it_takes_no_memory_and_there_is_always_something_to_start() -> None:
    protection = Protected("cold-restart").protection
    assert protection.memory_bytes == 0
    assert protection.settle()
