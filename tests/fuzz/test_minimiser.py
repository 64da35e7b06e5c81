"""From a scenario that breaks a law to a small one: it is legal, it still breaks the law, and it can be run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vmfailover.scenario import Scenario, load

from . import laws, minimiser
from .minimiser import breaking, minimised, write_smallest
from .scenarios import drawn
from .seen import Seen

#: Seconds that nothing here takes.
ENOUGH_S = 60.0


def number_with(key: str) -> int:
    return next(seed for seed in range(1000) if key in drawn(seed).data and len(drawn(seed).data["failures"]) > 1)


def test_what_does_not_matter_is_left_out() -> None:
    data = drawn(number_with("clients")).data
    kind = data["failures"][-1]["kind"]
    smallest = minimised(data, lambda scenario: any(failure.kind == kind for failure in scenario.failures), ENOUGH_S)
    assert smallest["failures"][0]["kind"] == kind
    assert len(smallest["failures"]) == 1
    assert smallest.keys() == {"name", "duration", "hosts", "vm", "workload", "replication", "link", "failures"}
    assert len(str(smallest)) < len(str(data)) / 2


def test_what_matters_stays() -> None:
    data = drawn(number_with("clients")).data

    def breaks(scenario: Scenario) -> bool:
        return scenario.clients is not None and scenario.clients.rate == float(data["clients"]["rate"].split()[0])

    smallest = minimised(data, breaks, ENOUGH_S)
    assert smallest["clients"]["rate"] == data["clients"]["rate"]
    assert "detection" not in smallest


def test_it_ends_when_there_is_no_more_time() -> None:
    data = drawn(number_with("clients")).data
    assert minimised(data, lambda _: True, 0.0) == data


def test_the_smallest_is_written_with_its_trace_and_breaks_the_law(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_trace_is_executed(seen: Seen) -> Iterator[str]:
        if seen.scenario.trace_path is not None and seen.metrics["run.accesses"]:
            yield "it is"

    monkeypatch.setitem(laws.LAWS, "no_trace_is_executed", no_trace_is_executed)
    monkeypatch.setattr(minimiser, "PATIENCE_S", 2.0)
    seed = next(seed for seed in range(1000) if "trace" in drawn(seed).data["workload"])
    path = write_smallest(seed, "no_trace_is_executed", "it is", tmp_path)
    assert path.read_text().startswith(f"# Seed {seed} breaks the law no_trace_is_executed: it is\n")
    scenario = load(path)
    assert breaking("no_trace_is_executed", "it is")(scenario)
    assert not breaking("no_trace_is_executed", "it is not")(scenario)
    assert scenario.failures == ()
