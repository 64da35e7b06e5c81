"""PLOVER, NSDI 2018: QEMU's micro-checkpoints (table 4), and hashing with only divergent pages sent (table 3).

Fitted: copying a page, on Redis and SSDB of table 4; bandwidth, on SSDB and Tomcat of table 3; hashing and comparing a
page, on SSDB of table 3; the shares of pages that are the same are input. The other rows are predicted, and those that
one bandwidth for all workloads cannot meet are marked as misses.
"""

from functools import cache

import pandas as pd
import pytest

from vmfailover.scenario import Scenario, load
from vmfailover.simulation import run

from .published import SCENARIOS, RecordProperty, Row, report, sweeping, table, whole_epochs

LINES_A_PAGE = 64
CHECKPOINTS = [row for row in table("plover_nsdi18") if row["table"] == "4_25ms"]
SYNCHRONISATIONS = [row for row in table("plover_nsdi18") if row["table"] == "3"]


@cache
def redis() -> Scenario:
    return load(SCENARIOS / "qemu-mc-redis.yaml")


@cache
def checkpoints(pages: int) -> pd.DataFrame:
    """Return checkpoints of so many pages each; the guest has 100 ms for them, as 33,300 faults do not fit into 25."""
    scenario = redis().with_(
        duration="600 ms",
        clients=None,
        failures=[],
        workload=sweeping(pages, 100_000_000),
        **{"replication.checkpoint_interval": "100 ms"},
    )
    epochs = whole_epochs(run(scenario))
    assert (epochs.lines == pages * LINES_A_PAGE).all()
    return epochs


@cache
def synchronisation(workload: str, **keys: str) -> pd.Series:
    """Return the second synchronisation of a workload of table 3, with other keys of the scenario if wanted."""
    (row,) = (row for row in SYNCHRONISATIONS if row["workload"] == workload)
    pages, interval_ns = int(row["pages"]), int(row["interval_ms"]) * 1_000_000
    scenario = redis().with_(
        duration=f"{3 * interval_ns} ns",
        clients=None,
        failures=[],
        workload=sweeping(pages, interval_ns),
        **{
            "replication.protocol": "output-compare",
            "replication.output_compare.hashing": "true",
            "replication.output_compare.longest_interval": f"{interval_ns} ns",
            "replication.output_compare.same": f"{row['same_percent']} %",
            **keys,
        },
    )
    epoch: pd.Series = whole_epochs(run(scenario)).iloc[0]
    return epoch


@pytest.mark.slow
def test_copying_at_a_checkpoint(record_property: RecordProperty) -> None:
    fitted, misses = {"Redis", "SSDB"}, {"lighttpd"}
    rows = []
    for row in CHECKPOINTS:
        name, pages = row["workload"], int(row["pages"])
        copy_ms = checkpoints(pages).harvest_ns.mean() / 1e6
        kind = "fitted" if name in fitted else "predicted"
        rows.append(Row(f"{name}, {pages} pages, ms", float(row["copy_ms"]), copy_ms, kind, miss(name, misses, 0.1)))
    report("PLOVER, table 4: copy at a micro-checkpoint", rows, record_property)


@pytest.mark.slow
def test_transfer_of_a_checkpoint(record_property: RecordProperty) -> None:
    """The paper's rates lie between 6.6 Gbit/s and 20 Gbit/s."""
    misses = {"Redis", "MediaTomb", "PgSql", "Tomcat", "lighttpd"}
    rows = []
    for row in CHECKPOINTS:
        name, pages = row["workload"], int(row["pages"])
        epochs = checkpoints(pages)
        sent_ms = (epochs.sent_ns - epochs.resumed_ns).mean() / 1e6
        published = float(row["transfer_ms"])
        rows.append(Row(f"{name}, {pages} pages, ms", published, sent_ms, "predicted", miss(name, misses, 0.1)))
    report("PLOVER, table 4: transfer of a micro-checkpoint", rows, record_property)


@pytest.mark.slow
def test_hashing_and_comparing(record_property: RecordProperty) -> None:
    """The times do not depend on the link's latency, and the longer that is the further hosts execute at a time."""
    far = {"link.latency": "500 us"}
    rows, slow = [], {"DjCMS"}
    for row in SYNCHRONISATIONS:
        name, kind = row["workload"], "fitted" if row["workload"] == "SSDB" else "predicted"
        free = {"replication.output_compare.hash": "0 ns", "replication.output_compare.compare_hashes": "0 ns"}
        hashing = {"replication.output_compare.compare_hashes": "0 ns"}
        neither, hashed, both = (synchronisation(name, **far, **keys).scan_ns / 1e6 for keys in (free, hashing, {}))
        rows.append(Row(f"{name}, hashing, ms", float(row["hash_ms"]), hashed - neither, kind, 0.1))
        rows.append(Row(f"{name}, comparing, ms", float(row["compare_ms"]), both - hashed, kind, miss(name, slow, 0.1)))
    report("PLOVER, table 3: hashing and comparing", rows, record_property)


@pytest.mark.slow
def test_transfer_of_divergent_pages(record_property: RecordProperty) -> None:
    fitted, misses = {"SSDB", "Tomcat"}, {"MediaTomb"}
    rows = []
    for row in SYNCHRONISATIONS:
        name, epoch = row["workload"], synchronisation(row["workload"])
        sent_ms = (epoch.sent_ns - epoch.captured_ns - epoch.scan_ns - epoch.harvest_ns) / 1e6
        kind = "fitted" if name in fitted else "predicted"
        rows.append(Row(f"{name}, ms", float(row["transfer_ms"]), sent_ms, kind, miss(name, misses, 0.1)))
    report("PLOVER, table 3: transfer of divergent pages", rows, record_property)


@pytest.mark.slow
def test_redis_as_in_the_scenario(record_property: RecordProperty) -> None:
    """The scenario, with what it was fitted to; the copy is then a prediction."""
    epochs = whole_epochs(run(redis()))
    (row,) = (row for row in CHECKPOINTS if row["workload"] == "Redis")
    pages = epochs.lines.mean() / LINES_A_PAGE
    rows = [
        Row("modified pages", float(row["pages"]), pages, "fitted", 0.03),
        Row("copy, ms", float(row["copy_ms"]), epochs.harvest_ns.mean() / 1e6, "predicted", 0.05),
    ]
    report("PLOVER, table 4: Redis in scenarios/published/qemu-mc-redis.yaml", rows, record_property)


def miss(name: str, misses: set[str], tolerance: float) -> float | None:
    return None if name in misses else tolerance


@pytest.mark.slow
@pytest.mark.parametrize("hashing", ["true", "false"])
def test_hashing_saves_what_is_the_same(hashing: str) -> None:
    """Without hashes, all that was modified on either host is sent."""
    epoch = synchronisation("Tomcat", **{"replication.output_compare.hashing": hashing})
    share = epoch.lines / LINES_A_PAGE / 4300
    assert share == pytest.approx(1.0 if hashing == "false" else 0.28, abs=0.02)
