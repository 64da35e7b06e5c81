"""A run depends on its scenario and its seed, and on nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs_for_tests import record_of
from scenarios_for_tests import minute, small

from vmfailover.guest.scheduler import DEFAULT_QUANTUM
from vmfailover.hardware.cache import reference
from vmfailover.simulation import run

TESTS = Path(__file__).parents[1]
#: Prints the whole record of a run.
SCRIPT = """
import sys
from runs_for_tests import record_of
from scenarios_for_tests import small
from vmfailover.simulation import run
print(record_of(run(small(sys.argv[1]))))
"""


def long(*variants: str) -> list[Any]:
    """Return variants whose runs take long, marked so."""
    return [pytest.param(variant, marks=pytest.mark.slow) for variant in variants]


@pytest.mark.parametrize("variant", ["base", "lossy-link", *long("no-fencing", "three-vcpus-drain", "mix")])
def test_the_same_twice(variant: str) -> None:
    assert record_of(run(small(variant))) == record_of(run(small(variant)))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["base", "three-vcpus-drain", "other-host"])
def test_the_same_bytes_whatever_the_hash_seed(variant: str) -> None:
    here = str(record_of(run(small(variant)))).encode()
    assert [_printed(variant, hash_seed).strip() for hash_seed in ("1", "2")] == [here, here]


def _printed(variant: str, hash_seed: str) -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", SCRIPT, variant]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


def test_another_seed_gives_another_run() -> None:
    one, other = run(small()), run(small(seed=8))
    assert one.responses != other.responses
    assert one.values["log.entries"] != other.values["log.entries"]


@pytest.mark.parametrize("quantum", [64, 4096])
@pytest.mark.parametrize(
    "variant",
    [
        "base",
        "two-vcpus",
        *long("log-stall-least", "tiny-caches", "log-drain", "log-checkpoint", "no-fencing"),
    ],
)
def test_any_quantum(variant: str, quantum: int) -> None:
    assert quantum < DEFAULT_QUANTUM
    assert record_of(run(small(variant), quantum=quantum)) == record_of(run(small(variant)))


@pytest.mark.parametrize(
    "variant",
    [
        *long("base", "helper-thread", "log-stall", "log-stall-least", "two-vcpus", "three-vcpus-drain", "no-fencing"),
    ],
)
def test_a_quantum_of_one_record(variant: str) -> None:
    assert record_of(run(minute(variant), quantum=1)) == record_of(run(minute(variant)))


@pytest.mark.parametrize(
    "variant",
    ["base", *long("log-stall-least", "log-checkpoint", "three-vcpus-log", "three-vcpus-carry", "mix")],
)
def test_either_twin(variant: str) -> None:
    sparse = {} if variant == "mix" else {"workload.instructions_per_access": 150.0}
    scenario = minute(variant, **sparse)
    assert record_of(run(scenario, twin=reference)) == record_of(run(scenario))
