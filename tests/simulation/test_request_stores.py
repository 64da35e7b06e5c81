"""What requests store to is replicated and audited as all else that the guest stores to."""

import pytest
from scenarios_for_tests import small

from vmfailover.simulation import run


@pytest.mark.parametrize(
    "variant",
    [
        "base",
        "log-drain",
        pytest.param("page-write-protect", marks=pytest.mark.slow),
        "page-modification-log-cores",
        "undo-log",
        pytest.param("output-compare", marks=pytest.mark.slow),
        pytest.param("record-replay", marks=pytest.mark.slow),
        pytest.param("live-precopy", marks=pytest.mark.slow),
        pytest.param("cold-restart", marks=pytest.mark.slow),
    ],
)
def test_stores_of_requests_survive_a_failure(variant: str) -> None:
    idle = {"kind": "idle"}
    silent, storing = (
        run(small(variant, **{"workload": idle, "clients.stores": stores, "vm.memory": "1 MiB"}), samples=0)
        for stores in ("0 B", "4 KiB")
    )
    assert storing.consistent
    assert storing.metrics["run.accesses"] - silent.metrics["run.accesses"] >= 32 * 100
