"""The three kinds of workload, told apart by their keys."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vmfailover.guest.workloads.mix import MixWorkload
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.trace import TraceWorkload
from vmfailover.scenario.workload import Workload


def workload(**keys: Any) -> Any:
    return Workload.model_validate(keys, context={"folder": Path("/experiments")})


def test_a_trace_is_beside_the_scenario() -> None:
    assert workload(trace="traces/a.parquet") == TraceWorkload(trace=Path("/experiments/traces/a.parquet"))


def test_an_absolute_trace_stays_where_it_is() -> None:
    assert workload(trace="/data/a.parquet", repeat=True).trace == Path("/data/a.parquet")


@pytest.mark.parametrize("repeat", [True, False, "shifted"])
def test_a_trace_is_repeated_as_it_is_or_shifted(repeat: object) -> None:
    assert workload(trace="a.parquet", repeat=repeat).repeat == repeat


@pytest.mark.parametrize("repeat", ["true", "yes", 1, "shift", None])
def test_no_other_word_says_how_a_trace_is_repeated(repeat: object) -> None:
    with pytest.raises(ValidationError, match="is not true, false or shifted"):
        workload(trace="a.parquet", repeat=repeat)


def test_defaults_of_a_pattern() -> None:
    zipf = workload(kind="zipf")
    assert isinstance(zipf, SyntheticWorkload)
    assert (zipf.working_set, zipf.store_fraction, zipf.instructions_per_access) == (64 * 2**20, 0.3, 3.0)
    assert (zipf.skew, zipf.stride, zipf.offset) == (0.99, 64, 0)


def test_an_idle_guest_does_little() -> None:
    idle = workload(kind="idle")
    assert (idle.working_set, idle.instructions_per_access) == (2**20, 100_000)
    assert workload(kind="idle", working_set="2 MiB").working_set == 2 * 2**20


def test_a_mix() -> None:
    mix = workload(kind="mix", phases=[{"kind": "zipf", "accesses": 10}, {"kind": "idle", "accesses": 1}])
    assert isinstance(mix, MixWorkload)
    assert [(phase.kind, phase.accesses) for phase in mix.phases] == [("zipf", 10), ("idle", 1)]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "write either 'trace: FILE', 'from: FILE' or 'kind: "),
        ({"kind": "zipf", "stride": "128 B"}, "belongs to kind 'sequential', and this kind is 'zipf'"),
        ({"kind": "uniform", "skew": 1.5}, "belongs to kind 'zipf'"),
        ({"kind": "mix", "phases": []}, "at least 1 item"),
        ({"kind": "mix", "phases": [{"kind": "zipf"}]}, "accesses"),
        ({"trace": 3}, "write the path of a trace file"),
        ({"trace": ""}, "write the path of a trace file"),
        ({"trace": "a\0b"}, "write the path of a trace file"),
        ({"trace": "a", "repeat": "yes"}, "not true, false or shifted"),
        ({"kind": "zipf", "skew": "1"}, "valid number"),
        ({"kind": "zipf", "skew": float("inf")}, "finite"),
        ({"kind": "zipf", "skew": 0}, "greater than 0"),
    ],
)
def test_refuses(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        workload(**keys)
    assert words in str(caught.value)
