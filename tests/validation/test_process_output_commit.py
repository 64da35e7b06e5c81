"""A database in memory whose answers wait for the acknowledgement of their epoch, in a process checkpointed in epochs.

Costs are those of `scenarios/published/process-uffd.yaml`. Fitted beside them: the pages that an update modifies, to
what the database modifies at full speed, and those that are modified all the time, to the epochs of 5 ms over a link
that is not shaped. All else is predicted, the response times above all. The stores of an update come together, which
is why epochs differ so much in their pages: by 15 % at 5 ms.
"""

from functools import cache

import pandas as pd
import pytest

from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario, load
from vmfailover.simulation import run

from .published import SCENARIOS, RecordProperty, Row, report, table, whole_epochs

PAGE_LINES = 64
SETTINGS = [(interval_ms, link_mbit) for link_mbit in (0, 1000, 400) for interval_ms in (5, 10, 20)]
TOLERANCE = 0.1
#: A share of the first answers that does not count.
WARM_UP = 0.1
#: At 400 Mbit/s the pages of 5 ms take more than 5 ms on the link, so that epochs grow until they do not, and each page
#: less makes them shorter by more than its own time; at 10 ms a page less is one less of those for which no token is
#: left.
MISSES = {
    *((5, 400, name) for name in ("pages", "commit_ms", "period_ms", "median_us", "p99_us")),
    (10, 400, "commit_ms"),
    # An update of the database modifies one to three pages; here it is one or two.
    *((5, link_mbit, "pages_sd") for link_mbit in (0, 1000, 400)),
    # Few pages take less time on the link, each, than those that its bandwidth was fitted to.
    (20, 0, "commit_ms"),
}


@cache
def scenario(name: str = "process-output-commit") -> Scenario:
    return load(SCENARIOS / f"{name}.yaml")


def predicted(interval_ms: int, link_mbit: int, seconds: float) -> dict[str, float]:
    keys: dict[str, object] = {"replication.checkpoint_interval": f"{interval_ms} ms", "duration": f"{seconds} s"}
    if link_mbit:
        keys["link.shaper"] = {"rate": f"{link_mbit} Mbit/s", "burst": "256 KiB"}
    result = run(scenario().with_(**keys))
    epochs, waits_us = whole_epochs(result), response_times_us(result)
    return {
        "pages": epochs.lines.mean() / PAGE_LINES,
        "pages_sd": epochs.lines.std() / PAGE_LINES,
        "pause_us": (epochs.resumed_ns - epochs.paused_ns - epochs.quiesce_ns).mean() / 1e3,
        "commit_ms": (epochs.acknowledged_ns - epochs.paused_ns).mean() / 1e6,
        "period_ms": (epochs.paused_ns - epochs.started_ns).mean() / 1e6,
        "median_us": float(waits_us.median()),
        "p99_us": float(waits_us.quantile(0.99)),
    }


def response_times_us(result: RunResult) -> "pd.Series[float]":
    """Return how long each answer took, without the first."""
    waits = [(each.received_ns - each.sent_ns) / 1e3 for each in result.responses]
    return pd.Series(waits[int(WARM_UP * len(waits)) :])


def rows_of(interval_ms: int, link_mbit: int, seconds: float) -> list[Row]:
    (given,) = (
        row
        for row in table("process_output_commit")
        if (int(row["interval_ms"]), int(row["link_mbit"])) == (interval_ms, link_mbit)
    )
    return [
        Row(
            f"{interval_ms} ms, {link_mbit or 'no'} Mbit/s: {name}",
            float(given[name]),
            found,
            "fitted" if (interval_ms, link_mbit, name) == (5, 0, "pages") else "predicted",
            None if (interval_ms, link_mbit, name) in MISSES else TOLERANCE,
        )
        for name, found in predicted(interval_ms, link_mbit, seconds).items()
    ]


def test_the_costs_are_those_of_the_other_process() -> None:
    ours, other = scenario(), scenario("process-uffd")
    assert (ours.hosts, ours.hypervisor, ours.link, ours.vm) == (other.hosts, other.hypervisor, other.link, other.vm)
    assert ours.replication == other.replication.model_copy(update={"checkpoint_interval": 5_000_000})


def test_response_times_in_a_short_run(record_property: RecordProperty) -> None:
    rows = [row for row in rows_of(10, 0, 0.3) if "pages_sd" not in row.name]
    report("A database under output commit", rows, record_property)


@pytest.mark.slow
@pytest.mark.parametrize(("interval_ms", "link_mbit"), SETTINGS)
def test_response_times(interval_ms: int, link_mbit: int, record_property: RecordProperty) -> None:
    report("A database under output commit", rows_of(interval_ms, link_mbit, 2.5), record_property)
