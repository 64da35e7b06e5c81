"""Effects that are known."""

import io
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.records.metric_values import Metrics
from vmfailover.report.sensitivity_table import cut_off, print_sensitivity
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.objective import Objective
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.sensitivity import Effect, Sensitivity, effects_of, sensitivity
from vmfailover.studies.sensitivity import _value as value_of

pytest.importorskip("SALib")
SCENARIO = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
VARY = {"detection.timeout": "600us:1400us", "replication.log.size": "48KiB:64KiB", "link.latency": "5us:20us"}


def ishigami(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ishigami and Homma (1990), with a = 7 and b = 0.1."""
    x, y, z = ((2 * positions - 1) * np.pi).T
    values: npt.NDArray[np.float64] = np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)
    return values


def test_sobol_finds_the_indices_of_ishigami() -> None:
    found = {effect.key: effect for effect in effects_of(ishigami, ["x", "y", "z"], "sobol", 2048, 1)}
    for key, total, alone in (("x", 0.5576, 0.3139), ("y", 0.4424, 0.4424), ("z", 0.2437, 0.0)):
        assert found[key].total == pytest.approx(total, abs=2 * found[key].total_half_width)
        assert found[key].alone == pytest.approx(alone, abs=0.06)


def test_morris_finds_what_acts_in_proportion() -> None:
    def plane(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        values: npt.NDArray[np.float64] = positions @ np.array([1.0, 10.0, 0.0])
        return values

    found = effects_of(plane, ["a", "b", "c"], "morris", 8, 1)
    assert [effect.key for effect in found] == ["b", "a", "c"]
    assert [effect.total for effect in found] == pytest.approx([10, 1, 0])
    assert [effect.alone for effect in found] == pytest.approx([0, 0, 0], abs=1e-9)
    assert [effect.certain() for effect in found] == [True, True, False]


@pytest.mark.slow
def test_the_timeout_moves_the_failover_most() -> None:
    found = sensitivity(SCENARIO, "failover.latency_ns", VARY, samples=3, executor=InThisProcess())
    assert found.effects[0].key == "detection.timeout"
    assert found.effects[0].total > 3 * found.effects[1].total
    assert len(found.runs) == 3 * (len(VARY) + 1)
    assert found.consistent
    again = sensitivity(SCENARIO, "failover.latency_ns", VARY, samples=3, executor=InThisProcess())
    assert again.to_json() == found.to_json()


@pytest.mark.parametrize(("latencies", "words"), [((1e6, None), "1 of 2 runs without"), ((None, None), "2 of 2 runs")])
def test_a_point_with_a_run_without_a_value_is_refused(latencies: tuple[float | None, ...], words: str) -> None:
    runs = [StudyRun("", n, n, {"failover.latency_ns": each}) for n, each in enumerate(latencies)]
    with pytest.raises(InputError, match=rf"at a=1: {words}"):
        value_of(Objective.parse("failover.latency_ns"), runs, {"a": "1"})


def test_lower_bounds_in_place_of_values_are_told() -> None:
    values: list[Metrics] = [{"client.latency_p99_ns": 1e6}, {"client.latency_p99_at_least_ns": 2e6}]
    runs = tuple(StudyRun("", n, n, each) for n, each in enumerate(values))
    objective, effects = Objective.parse("client.latency_p99_ns"), (Effect("a", 1.0, 0.1, 0.0), Effect("b", 1, 1, 0))
    found = Sensitivity(SCENARIO, objective, "morris", effects, runs)
    assert found.bounded == 1
    console = Console(file=io.StringIO(), width=200)
    print_sensitivity(found, console)
    words = "2 runs, of 1 of which only a lower bound is known, which stands for it"
    assert words in console.file.getvalue()  # type: ignore[attr-defined]
    assert words in " ".join(found.plot.tornado().figure.get_suptitle().split())
    assert "lower bound" not in cut_off(replace(found, runs=runs[:1]))


def test_a_metric_that_nothing_moves() -> None:
    def flat(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.ones(len(positions))

    for method, samples in (("morris", 4), ("sobol", 8)):
        assert all(effect.total == 0 for effect in effects_of(flat, ["a", "b"], method, samples, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vary", "method", "words"),
    [
        ({"detection.timeout": "600us:1400us"}, "morris", "at least two"),
        (VARY, "sobol", "not a power of two"),
        (VARY | {"detection.timeout": "600us:1s"}, "morris", "choose narrower ranges"),
    ],
)
def test_bad_input(vary: dict[str, str], method: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sensitivity(SCENARIO, "failover.latency_ns", vary, method=method, samples=3, executor=InThisProcess())  # type: ignore[arg-type]
