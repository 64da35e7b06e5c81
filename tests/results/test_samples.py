"""Samples tell of the hardware, and taking them changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import small

from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import FLAG
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import Processor
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import SET_GROUPS, flagged_by_sets
from vmfailover.scenario.checks import log_bytes
from vmfailover.simulation import run


def measured(result: RunResult) -> dict[str, object]:
    return {name: value for name, value in result.values.items() if name not in WALL_CLOCK}


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["base", "no-failure", "no-clients"])
@settings(derandomize=True, deadline=None, max_examples=6)
@given(samples=st.integers(0, 3000))
def test_they_change_no_metric_and_no_event(variant: str, samples: int) -> None:
    with_samples, without = run(small(variant), samples=samples), run(small(variant), samples=0)
    assert measured(with_samples) == measured(without)
    assert with_samples.event_rows == without.event_rows
    assert without.sample_rows == ()


def test_they_are_spread_evenly() -> None:
    result = run(small("no-failure"), samples=100)
    gaps = np.diff(result.samples["time_ns"])
    assert len(result.samples) in (100, 101)
    assert gaps.max() <= 2 * gaps.min()
    assert result.sample_rows[0].time_ns == 0


def test_they_tell_of_the_host_that_has_the_vm() -> None:
    result = run(small("base"), samples=500)
    takeover = next(event.time_ns for event in result.event_rows if event.kind == "takeover")
    hosts = {sample.host for sample in result.sample_rows if sample.time_ns > takeover}
    assert hosts == {"secondary"}
    assert {sample.host for sample in result.sample_rows[:100]} == {"primary"}


def test_they_stay_within_what_the_metrics_say() -> None:
    result = run(small("no-failure"), samples=1000)
    samples, values = result.samples, result.values
    fill = samples["log_entries"].max() * 8 / (log_bytes(result.scenario) - 128)
    peak = values["log.peak_fill"]
    assert peak is not None
    assert 0.2 * peak < fill <= peak + 1e-9
    assert (samples["flagged_lines"] == samples["flagged_by_sets"].map(sum)).all()
    assert (samples["flagged_lines"] <= samples["dirty_lines"]).all()
    assert samples["flagged_lines"].max() > 0


def test_the_link_is_never_busier_than_time_goes_by() -> None:
    result = run(small("base"), samples=1000)
    times = np.diff(result.samples["time_ns"])
    for column in ("forward_busy_ns", "backward_busy_ns"):
        busy = np.diff(result.samples[column])
        assert (busy >= 0).all()
        assert (busy <= times).all()
    wire_ns = result.samples["forward_busy_ns"].iloc[-1]
    shipped = result.values["replication.bytes"]
    assert shipped is not None
    assert wire_ns >= shipped * 8e9 / result.scenario.link.bandwidth


def test_flagged_rows_are_counted_where_they_are() -> None:
    spec = small("base").hosts.primary
    processor = Processor(kernel, spec, 2, Memory(1 << 20, spec.line))
    rows = processor.state.l2
    rows[0, 0, 1] |= FLAG
    rows[1, 0, 2] |= FLAG
    rows[1, -1, 1] |= FLAG
    counts = flagged_by_sets(processor)
    assert len(counts) == min(SET_GROUPS, rows.shape[1])
    assert (counts[0], counts[-1], sum(counts)) == (2, 1, 3)
