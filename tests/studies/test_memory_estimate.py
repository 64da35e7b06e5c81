"""The memory estimate, held against what runs in processes of their own really take."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from peak_memory import extra_bytes

from vmfailover.cli.main import main
from vmfailover.errors import InputError
from vmfailover.scenario import Scenario, load
from vmfailover.scenario.replication import Replication
from vmfailover.studies.memory_estimate import parts_of, require_memory

TESTS = Path(__file__).parents[1]
HOG = TESTS / "cases" / "memory-hog.yaml"
QUICKSTART = TESTS.parent / "scenarios" / "quickstart.yaml"
#: A guest that stores to all of its memory, and a link that keeps up with it.
DENSE = (
    "duration=20ms",
    "vm.memory=1GiB",
    "workload.working_set=1000MiB",
    "workload.store_fraction=50%",
    "replication.checkpoint_interval=5ms",
    "replication.precopy.lead=8ms",
    "link.bandwidth=2000Gbit/s",
)
COMPARED = (
    *DENSE,
    "duration=20s",
    "replication.protocol=output-compare",
    "replication.granularity=none",
    "replication.output_compare={hashing: true, longest_interval: 5 s}",
)
COMPRESSED = "replication.compression={cache: 4 GiB}"
#: What lets other protocols than those with checkpoints have as many epochs.
OFTEN = {"output-compare": ("replication.output_compare.longest_interval=5ms",)}
GRANULARITIES = ("none", "64KiB", "2MiB")


def matrix() -> Iterator[tuple[str, ...]]:
    """Yield each protocol with each granularity that it can have, and some that several epochs are on their way of."""
    for protocol in Replication.kinds:
        whole = protocol in ("undo-log", "record-replay", "cold-restart")
        for granularity in GRANULARITIES[:1] if whole else GRANULARITIES:
            yield f"replication.protocol={protocol}", f"replication.granularity={granularity}", *OFTEN.get(protocol, ())
    for protocol in ("cacheline-flags", "page-dirty-bits"):
        yield f"replication.protocol={protocol}", "replication.granularity=2MiB", "duration=600ms"
    yield "replication.granularity=none", COMPRESSED


def require_right(scenario: Scenario) -> None:
    taken, estimate = extra_bytes(scenario), sum(part.size for part in parts_of(scenario))
    assert taken / 1.5 <= estimate <= 1.5 * taken, (taken >> 20, estimate >> 20)


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [*matrix()], ids=" ".join)
def test_the_estimate_is_within_half_as_much_of_what_a_run_takes(overrides: tuple[str, ...]) -> None:
    require_right(load(HOG, [*DENSE, *overrides]))


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [(), ("replication.granularity=2MiB", "duration=110ms")], ids=" ".join)
def test_the_estimate_holds_for_a_trace(overrides: tuple[str, ...]) -> None:
    require_right(load(QUICKSTART, overrides))


@pytest.mark.slow
def test_memory_goes_with_the_units_that_differ_and_the_estimate_is_right() -> None:
    require_right(
        load(HOG, [*DENSE, "replication.granularity=2MiB", "vm.memory=512MiB", "workload.working_set=500MiB"])
    )


@pytest.mark.slow
def test_what_took_gigabytes_takes_megabytes() -> None:
    assert extra_bytes(load(HOG)) < 100 << 20


# What is refused.


def refused(scenario: Scenario, limit: int) -> str:
    with pytest.raises(InputError) as error:
        require_memory(scenario, limit)
    return str(error.value)


def test_a_run_that_takes_more_than_allowed_is_refused() -> None:
    scenario = load(HOG)
    needed = sum(part.size for part in parts_of(scenario))
    require_memory(scenario, needed)
    assert "to simulate, more than " in refused(scenario, needed - 1)


@pytest.mark.parametrize(
    ("key", "value", "overrides"),
    [
        ("vm.memory", "1 GiB", (*DENSE, "replication.granularity=none")),
        ("workload.working_set", "200 MiB", ("vm.memory=64GiB", "replication.granularity=none")),
        ("replication.granularity", "2 MiB", (*DENSE, "duration=600ms")),
        ("replication.granularity", "1 GiB", ("vm.memory=64GiB", "replication.granularity=1GiB")),
        ("replication.output_compare.longest_interval", "5 s", COMPARED),
        ("replication.compression.cache", "4 GiB", (*DENSE, "duration=2s", "replication.granularity=none", COMPRESSED)),
        ("replication.log.size", "8 GiB", ("replication.log.size=8GiB",)),
        ("hosts.secondary.l3.size", "8 GiB", ("hosts.secondary.l3={size: 8 GiB, ways: 8}",)),
    ],
)
def test_the_message_names_what_takes_most(key: str, value: str, overrides: tuple[str, ...]) -> None:
    message = refused(load(HOG, overrides), 1 << 20)
    assert message.startswith(f"{HOG}: {key}: {value} takes about ")
    assert message.endswith(f"make {key} smaller or `max_memory` larger")


def test_a_trace_is_part_of_it() -> None:
    (trace,) = (part for part in parts_of(load(QUICKSTART)) if part.key == "workload.trace")
    assert trace.value == "redis-set.parquet"
    assert trace.size > 3_863_325 * 13


def test_the_command_refuses_before_it_runs() -> None:
    result = CliRunner().invoke(main, ["run", str(HOG), "--max-memory", "10 MiB"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith(f"{HOG}: vm.memory: 256 MiB takes about ")


LARGE = TESTS.parent / "scenarios" / "sixty-four-gib.yaml"


def test_a_sampled_guest_of_64_gib_takes_under_2_gb() -> None:
    require_memory(load(LARGE), 2_000_000_000)
    with pytest.raises(InputError, match=r"sixty-four-gib.yaml: vm.memory: 64 GiB takes about"):
        require_memory(load(LARGE), 10_000_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [("duration=6s",), ("vm.memory=512GiB", "vm.in_use=none", "workload.sets.0.memory=400GiB")],
    ids=" ".join,
)
def test_the_estimate_of_a_sampled_guest_is_within_half_as_much_of_what_a_run_takes(overrides: tuple[str, ...]) -> None:
    require_right(load(LARGE, overrides))
