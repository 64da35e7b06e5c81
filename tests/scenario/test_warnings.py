"""What is legal and may still not be meant."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from runs_for_tests import record_of
from scenarios_for_tests import small

from vmfailover.cli.main import main
from vmfailover.errors import InputError
from vmfailover.scenario import Scenario, load
from vmfailover.scenario.detection import Detection
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.warnings import warnings_of
from vmfailover.simulation import run
from vmfailover.traces.format import Columns, TraceMetadata, write_trace

TESTS = Path(__file__).parents[1]
REDIS = TESTS.parent / "scenarios" / "traces" / "redis-set.parquet"
PSEUDO_SMP = TESTS / "cases" / "pseudo-smp.yaml"
SATURATION = TESTS / "cases" / "redis-interval-saturation.yaml"


def redis(repeat: object = True, **overrides: object) -> Scenario:
    """Return a scenario with a trace of 13.3 M instructions, 3.79 ms of a POWER8 whose stalls are left aside."""
    workload = {"trace": str(REDIS), "repeat": repeat}
    return small("no-failure", **{"workload": workload, "vm.memory": "1 GiB", **overrides})


def test_most_scenarios_are_what_was_meant() -> None:
    assert small().warnings == ()
    assert redis(**{"replication.checkpoint_interval": "3700 us"}).warnings == ()


@pytest.mark.parametrize(("vcpus", "rest"), [(2, "2: one of them idles"), (4, "4: 3 of them idle")])
def test_vcpus_beyond_those_of_the_trace_idle(vcpus: int, rest: str) -> None:
    expected = f"workload.trace: recorded with 1 vCPU, of which the VM has {rest}; 'spread: copies' lets all work"
    assert redis(**{"vm.vcpus": vcpus}).warnings == (expected,)


def test_epochs_longer_than_the_trace_are_all_the_same() -> None:
    (warning,) = load(SATURATION).warnings
    lasts = "the trace lasts about 3.79 ms (13.3 M instructions, base_cpi 1, 3.5 GHz, stalls aside)"
    assert warning.startswith(f"workload.repeat: {lasts}, ")
    assert warning.endswith(
        "less than replication.checkpoint_interval, 5 ms: "
        "every epoch modifies the same memory; write 'shifted', or a shorter interval"
    )
    assert load(SATURATION, ["workload.repeat=shifted"]).warnings == ()
    assert load(SATURATION, ["replication.checkpoint_interval=3700us"]).warnings == ()
    assert load(SATURATION, ["hosts.primary.base_cpi=1.4"]).warnings == ()


def test_a_trace_that_is_not_repeated_ends() -> None:
    (warning,) = redis(repeat=False, **{"replication.checkpoint_interval": "5 ms"}).warnings
    assert warning.endswith("5 ms: the guest halts in its first epoch; write 'shifted', or true")


@pytest.mark.parametrize(
    ("protocol", "key"),
    [
        ("record-replay", "replication.record_replay.interval"),
        ("output-compare", "replication.output_compare.longest_interval"),
    ],
)
def test_the_interval_is_that_of_the_protocol(protocol: str, key: str) -> None:
    long = {"replication.protocol": protocol, "replication.checkpoint_interval": "5 ms", "duration": "12 ms"}
    short, well = (redis(**{**long, key: each}).warnings for each in ("10 ms", "1 ms"))
    (warning,) = set(short) - set(well)
    assert f"less than {key}, 10 ms" in warning


#: A value of each common key of `replication` that is not the one that `small` has.
OTHERS: dict[str, object] = {
    "checkpoint_interval": "330 us",
    "scan_interval": "70 us",
    "granularity": "16 KiB",
    "log": {"size": "512 KiB", "when_full": "checkpoint"},
    "copier": "helper-thread",
    "transfer": "carry",
    "hypervisor_writes": "missed",
    "batch": 16,
    "compression": {"ratio": 3.0},
    "precopy": {"rounds": 2, "least": 1, "most": 1.5, "lead": "3 ms"},
}


@pytest.mark.parametrize("protocol", Replication.kinds)
def test_a_key_is_called_unused_where_it_changes_nothing(protocol: str) -> None:
    own: dict[str, object] = {"replication.protocol": protocol, "replication.restart.boot": "300 us"}
    scenario = small("base", **own, duration="8 ms")
    values = {f"replication.{key}": value for key, value in OTHERS.items() if key in scenario.replication.unused}
    changed = scenario.with_(**values)
    assert set(changed.warnings) >= {f"{key}: {protocol} makes no use of it" for key in values}
    assert record_of(run(changed))["metrics"] == record_of(run(scenario))["metrics"]


#: Common keys of detectors, with values that none has by default.
OF_DETECTORS = {"interval": "777 us", "timeout": "31 ms", "message": "99 B", "confirmation": "111 us"}


@pytest.mark.parametrize("kind", Detection.kinds)
def test_a_common_key_of_detectors_is_called_unused_exactly_where_it_changes_nothing(kind: str) -> None:
    plain = small("base", detection={"kind": kind})
    for key, value in OF_DETECTORS.items():
        changed = plain.with_(**{f"detection.{key}": value})
        told = f"detection.{key}: {kind} makes no use of it"
        assert (told in changed.warnings) == (key in changed.detection.unused)
        if key in changed.detection.unused:
            assert record_of(run(changed))["metrics"] == record_of(run(plain))["metrics"]
        assert told not in plain.warnings


def test_a_key_that_is_used_or_not_written_is_not_called_unused() -> None:
    assert small("base", **{"replication.batch": 16, "replication.copier": "helper-thread"}).warnings == ()
    spared = small("cold-restart", **{"replication.precopy": {"rounds": 3}}).with_(**{"replication.log": {}})
    assert "replication.compression: cold-restart makes no use of it" not in spared.warnings
    assert "replication.precopy: cold-restart makes no use of it" in spared.warnings


def test_what_the_copy_for_a_further_host_uses_is_not_called_unused() -> None:
    scenario = small("record-replay", **{"replication.precopy": {"rounds": 3}})
    again = scenario.with_(reprotection={"spares": 1})
    assert "replication.precopy: record-replay makes no use of it" in scenario.warnings
    assert again.warnings == ("replication.log: record-replay makes no use of it",)


def test_the_interval_of_checkpoints_is_demanded_where_there_are_some() -> None:
    data = small("cold-restart").source
    del data["replication"]["checkpoint_interval"], data["replication"]["scan_interval"]
    assert Scenario.model_validate(data).replication.protocol == "cold-restart"
    data["replication"] = {"protocol": "undo-log"}
    with pytest.raises(ValidationError, match="checkpoint_interval: is missing; write for example"):
        Scenario.model_validate(data)


@pytest.mark.parametrize("protocol", ["live-precopy", "cold-restart"])
def test_without_epochs_no_trace_is_too_short(protocol: str) -> None:
    scenario = redis(**{"replication.protocol": protocol, "replication.checkpoint_interval": "12 ms"})
    assert not [each for each in scenario.warnings if each.startswith("workload")]


def test_a_trace_of_more_vcpus_than_the_vm_is_refused(tmp_path: Path) -> None:
    three = recorded(tmp_path, vcpus=3)
    with pytest.raises(InputError, match="was recorded with 3 vCPUs; write 'vcpus: 3' in vm"):
        redis(**{"workload.trace": str(three), "vm.vcpus": 2})
    assert (
        "recorded with 3 vCPUs, of which the VM has 4"
        in redis(**{"workload.trace": str(three), "vm.vcpus": 4}).warnings[0]
    )


def test_a_trace_whose_copies_do_not_fit_the_vm_is_refused(tmp_path: Path) -> None:
    copies = {"workload.trace": str(recorded(tmp_path, vcpus=3)), "workload.spread": "copies", "vm.vcpus": 4}
    assert not [each for each in redis(**copies, **{"vm.memory": "2 MiB"}).warnings if "idle" in each]
    assert redis(**{**copies, "vm.memory": "1 MiB", "vm.vcpus": 3}).vm.vcpus == 3
    with pytest.raises(
        InputError, match=r"workload\.spread: 2 copies of a trace .* write at least that as vm.memory"
    ) as found:
        redis(**copies, **{"vm.memory": "1 MiB"})
    assert "need 2097152 bytes" in str(found.value)
    with pytest.raises(InputError, match=r"workload\.spread: 'twice' is not copies or none"):
        redis(**{"workload.spread": "twice"})


def recorded(folder: Path, vcpus: int) -> Path:
    block = np.arange(3000, dtype=np.uint32)
    ones = np.ones(block.size, np.uint32)
    columns = Columns((block % vcpus).astype(np.uint8), block, (block % 2).astype(np.uint8), ones, ones * 1_000_000)
    write_trace(folder / "trace.parquet", [columns], TraceMetadata(memory_bytes=1 << 20, vcpus=vcpus, source="a test"))
    return folder / "trace.parquet"


def test_validate_warns_on_stderr_and_is_content() -> None:
    result = CliRunner().invoke(main, ["validate", str(PSEUDO_SMP)])
    assert (result.exit_code, result.stdout) == (0, f"{PSEUDO_SMP}: ok\n")
    assert result.stderr.splitlines() == [f"{PSEUDO_SMP}: warning: {each}" for each in warnings_of(load(PSEUDO_SMP))]
    assert len(result.stderr.splitlines()) == 2
