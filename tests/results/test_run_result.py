"""What a run gives its user: tables, and JSON that any reader takes."""

import json
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scenarios_for_tests import small

from vmfailover.audit.invariants import Verdict
from vmfailover.records.events import Event
from vmfailover.records.metric_names import METRICS
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.records import EpochRow
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run
from vmfailover.version import version

VARIANTS = ["base", "no-failure", "no-clients"]


@cache
def result(variant: str = "base") -> RunResult:
    return run(small(variant))


def strictly(text: str) -> Any:
    """Read JSON as a strict reader does, who knows neither NaN nor Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("variant", VARIANTS)
def test_json_has_the_keys_that_scripts_hold_on_to(variant: str) -> None:
    content = strictly(result(variant).to_json())
    assert content["schema_version"] == RunResult.SCHEMA_VERSION == 1
    assert content["vmfailover_version"] == version()
    assert content["scenario"] == {"name": variant, "hash": small(variant).hash}
    assert content["seed"] == 7
    assert list(content["metrics"]) == list(METRICS)
    assert content["metrics"] == result(variant).values
    assert all(
        verdict == {"holds": True, "waived": False, "detail": verdict["detail"]}
        for verdict in content["invariants"].values()
    )
    assert len(content["invariants"]) == len(result(variant).verdicts)


def test_nan_is_refused_rather_than_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(result(), values={**result().values, "guest.slowdown": float("nan")}).to_json()


def test_the_same_seed_gives_the_same_json_and_another_does_not() -> None:
    def text(**overrides: object) -> str:
        content = json.loads(run(small("base", **overrides)).to_json())
        for name in WALL_CLOCK:
            del content["metrics"][name]
        del content["seed"], content["scenario"]
        return json.dumps(content)

    assert text() == text() != text(seed=8)


def test_metrics_are_a_series_by_name() -> None:
    metrics = result().metrics
    assert list(metrics.index) == list(METRICS)
    assert metrics.name == "base"
    assert metrics.dtype == np.dtype(object)
    assert metrics["failover.latency_ns"] == result().values["failover.latency_ns"]
    assert result("no-failure").metrics["failover.latency_ns"] is None


def test_epochs_are_a_table_of_a_row_each() -> None:
    epochs = result().epochs
    assert list(epochs.columns) == [field.name for field in fields(EpochRow)]
    assert epochs["epoch"].tolist() == list(range(len(result().epoch_rows)))
    assert epochs["forced"].dtype == bool
    assert epochs["whole_memory"].dtype == bool
    assert set(epochs.drop(columns=["forced", "whole_memory"]).dtypes.astype(str)) == {"int64"}
    assert epochs["lines"].sum() == sum(row.lines for row in result().epoch_rows)


def test_events_are_a_table_in_order_of_time() -> None:
    events = result().events
    assert list(events.columns) == [field.name for field in fields(Event)]
    assert events["time_ns"].is_monotonic_increasing
    assert {"failure", "detect", "fence", "image-complete", "takeover", "commit"} <= set(events["kind"])


def test_tables_without_rows_have_their_columns() -> None:
    nothing = replace(result(), epoch_rows=(), event_rows=())
    assert list(nothing.epochs.columns) == list(result().epochs.columns)
    assert list(nothing.events.columns) == list(result().events.columns)


def test_an_epoch_has_the_instants_of_its_commit_and_what_followed() -> None:
    committed = [row for row in result().epoch_rows if row.committed_ns >= 0]
    commits = [event for event in result().event_rows if event.kind == "commit"]
    assert [(row.epoch, row.committed_ns) for row in committed] == [(event.epoch, event.time_ns) for event in commits]
    for row in committed[:-1]:
        assert row.captured_ns < row.committed_ns < row.acknowledged_ns
        assert row.committed_ns < row.applied_ns
    assert result().epoch_rows[-1].committed_ns == -1


def test_a_result_is_consistent_if_every_invariant_holds() -> None:
    assert result().consistent
    broken = replace(result(), verdicts=(*result().verdicts, Verdict("image", False, "3 lines")))
    assert not broken.consistent
    assert broken.to_dict()["invariants"]["image"] == {"holds": False, "waived": False, "detail": "3 lines"}


def test_spans_are_by_host() -> None:
    spans = result().spans
    assert list(spans) == ["primary", "secondary"]
    assert spans["primary"][-1][1] <= spans["secondary"][0][0]
    assert result("no-failure").spans["secondary"] == ()
    assert result("no-failure").end_ns == small("no-failure").duration == result("no-failure").spans["primary"][-1][1]
