"""Keys that are right one by one and do not fit together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from vmfailover.scenario import ScenarioError, load
from vmfailover.scenario.checks import guard_band, least_log
from vmfailover.traces.format import Columns, TraceMetadata, write_trace

from .conftest import Write


@contextmanager
def refused(path: Path) -> Iterator[list[str]]:
    """Yield a list that is to hold the messages, without the path."""
    lines: list[str] = []
    with pytest.raises(ScenarioError) as caught:
        yield lines
    lines += [line.removeprefix(f"{path}: override ") for line in str(caught.value).splitlines()]


SECOND_CRASH = "failures.1={at: 110 ms, kind: host-crash, target: primary}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "failures.0.at=200 ms",
            "failures.0.at: after the end of the run; write less than 200 ms, or a longer 'duration'",
        ),
        (SECOND_CRASH, "failures.1: failures.1.target: the primary can crash only once; remove one failure"),
        ("vm.vcpus=13", "vm.vcpus: 13 is more than the 12 cores of hosts.primary; use fewer"),
        ("replication.log.size=64 B", "replication.log.size: less than one line; write at least 66944 B"),
        (
            "replication.log.size=66560 B",
            "replication.log.size: 65 KiB is not beyond the guard band (L2 rows and stores in flight, 8 B each); "
            "write at least 66944 B, or 'when_full: stall'",
        ),
        ("vm.memory=1000000001 B", "vm.memory: 1000000001 B is not a multiple of the line of 128 B"),
        (
            "replication.checkpoint_interval=1 s",
            "replication.checkpoint_interval: longer than the run; write at most 200 ms, or a longer 'duration'",
        ),
        (
            "replication.scan_interval=5 ms",
            "replication.scan_interval: no scan falls between two checkpoints; write less than 5 ms, or none",
        ),
        (
            "detection.timeout=10 ms",
            "detection.timeout: a living host would be taken for dead; write more than 10 ms",
        ),
        (
            "workload.offset=1 GiB",
            "workload.working_set: 64 MiB from offset 1 GiB goes beyond vm.memory, 1 GiB; "
            "make it smaller or the memory larger",
        ),
        ("expect.foo=< 3", "expect.foo: unknown metric; the nearest are "),
        ("expect.failover.latency=p99", "expect.failover.latency: 'p99' is not an expectation"),
        ("hosts.secondary={preset: xeon}", "hosts.secondary: hosts.secondary.line: 64 B differs from the primary's"),
    ],
)
def test_refuses(small: Path, override: str, message: str) -> None:
    with refused(small) as lines:
        load(small, [override])
    assert any(message.split(": ", 1)[1] in line and message.split(":")[0] in line for line in lines), lines


@pytest.mark.parametrize("host", ["primary", "secondary"])
def test_a_vm_has_no_more_vcpus_than_either_host_has_cores(small: Path, host: str) -> None:
    with refused(small) as lines:
        load(small, ["vm.vcpus=3", f"hosts.{host}.cores=2"])
    assert lines == [f"vm.vcpus: 3 is more than the 2 cores of hosts.{host}; use fewer"]


def test_a_place_in_the_file_is_told(write: Write) -> None:
    text = write().read_text().replace("at: 103 ms", "at: 1 s")
    with pytest.raises(ScenarioError) as caught:
        load(write(text))
    assert str(caught.value).endswith(
        "x.yaml:14:10: failures.0.at: after the end of the run; write less than 200 ms, or a longer 'duration'"
    )


def test_all_disagreements_are_told_at_once(small: Path) -> None:
    with refused(small) as lines:
        load(small, ["vm.vcpus=13", "failures.0.at=1 s", "detection.timeout=1 ms"])
    assert [line.split(":")[0] for line in lines] == ["vm.vcpus", "vm.vcpus", "detection.timeout", "failures.0.at"]


def test_hosts_that_are_slow_for_several_reasons_are_not_too_slow_to_be_counted(small: Path) -> None:
    slow = "{at: 1 ms, kind: slow-host, factor: 1000000}"
    load(small, [f"failures.0={slow}"])
    with refused(small) as lines:
        load(small, [f"failures.0={slow}", f"failures.1={slow}"])
    assert "1e+12 times as long on a host that is slow for every such failure, takes" in lines[0]


def test_a_small_log_is_enough_for_a_processor_that_stalls(small: Path) -> None:
    load(small, ["replication.log={size: 384 B, when_full: stall}"])


def test_the_guard_band_is_the_flagged_rows_and_the_stores_in_flight(small: Path) -> None:
    assert guard_band(load(small)) == 2 * (512 * 1024 // 128 + 64)


def test_lines_are_numbered_with_31_bits(small: Path) -> None:
    xeon = [f"hosts.{side}={{preset: xeon}}" for side in ("primary", "secondary")]
    with refused(small) as lines:
        load(small, [*xeon, "vm.memory=129 GiB"])
    assert lines == ["vm.memory: more than 2147483648 lines; the most is 128 GiB"]


def test_phases_of_a_mix_are_checked(small: Path) -> None:
    phases = "{kind: mix, phases: [{kind: sequential, accesses: 1, stride: 1 MiB, working_set: 4 KiB}]}"
    with refused(small) as lines:
        load(small, [f"workload={phases}"])
    assert lines == ["workload: workload.phases.0.stride: larger than the working set; make it smaller"]


def trace(path: Path, vcpus: int = 2, memory_bytes: int = 2**20) -> Path:
    ones = np.ones(4, np.uint32)
    columns = Columns(vcpu=ones.astype(np.uint8), block=ones, write=ones.astype(bool), count=ones, instructions=ones)
    write_trace(path, [columns], TraceMetadata(memory_bytes=memory_bytes, vcpus=vcpus, source="test"))
    return path


def test_a_trace_that_fits(small: Path) -> None:
    trace(small.parent / "a.parquet")
    scenario = load(small, ["workload={trace: a.parquet}"])
    assert scenario.workload.model_dump()["trace"] == small.parent / "a.parquet"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.parquet", "missing.parquet: does not exist"),
        (".", "is a folder"),
        ("x.yaml", "x.yaml: is not a Parquet file"),
        ("large.parquet", "touches 2147483648 bytes of memory; write at least that as vm.memory"),
        ("three.parquet", "was recorded with 3 vCPUs; write 'vcpus: 3' in vm"),
    ],
)
def test_a_trace_that_does_not_fit(small: Path, name: str, words: str) -> None:
    trace(small.parent / "large.parquet", memory_bytes=2**31)
    trace(small.parent / "three.parquet", vcpus=3)
    with refused(small) as lines:
        load(small, [f"workload={{trace: {name}}}"])
    assert len(lines) == 1
    assert lines[0].startswith("workload: workload.trace: ")
    assert words in lines[0]


def test_what_a_request_stores_to_must_fit_the_vm(small: Path) -> None:
    with pytest.raises(ScenarioError, match=r"clients.stores: .* a quarter of vm.memory; write at most 4 MiB"):
        load(small, ["clients={rate: 10 /s, stores: 5 MiB}", "replication.log.size=64 MiB", "vm.memory=16 MiB"])
    log = "replication.log.size=1 MiB"
    one, more = (load(small, [f"clients={{rate: 10 /s, stores: {stores}}}", log]) for stores in ("0 B", "128 KiB"))
    assert least_log(more) > least_log(one)


def test_a_request_must_fit_the_network_s_buffers(small: Path) -> None:
    with pytest.raises(ScenarioError, match=r"clients.request: .* is more than a quarter of vm.memory"):
        load(small, ["clients={rate: 10 /s, request: 300 MiB}", "replication.log.size=64 MiB", "vm.memory=1 GiB"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["replication.granularity=96 B"], "replication.granularity"),
        (["replication.granularity=64 B"], "replication.granularity"),
        (["replication.protocol=page-write-protect", "replication.granularity=1 KiB"], "replication.granularity"),
        (["replication.protocol=undo-log", "replication.granularity=4 KiB"], "replication.granularity"),
        (["replication.protocol=record-replay", "vm.vcpus=2"], "vm.vcpus: record-replay protects VMs of 1 vCPU"),
        (["replication.protocol=cacheline"], "'cacheline' is unknown"),
    ],
)
def test_refuses_what_a_protocol_cannot_do(small: Path, overrides: list[str], message: str) -> None:
    with refused(small) as lines:
        load(small, overrides)
    assert any(message in line for line in lines), lines


def test_the_preset_of_a_tracker_in_the_memory_device_is_one_of_cache_line_transfers(small: Path) -> None:
    xeons = ["hosts.primary={preset: xeon}", "hosts.secondary={preset: xeon}", "replication.log.size=16 MiB"]
    replication = ["replication={preset: cxl-64B, checkpoint_interval: 5 ms, log: {size: 16 MiB}}"]
    scenario = load(small, [*xeons[:2], *replication])
    assert scenario.replication.protocol == "cacheline-transfer"
    assert scenario.replication.unit_bytes(scenario.hosts.primary.line) == 64
    assert scenario.replication.copier == "helper-thread"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["reprotection={failback: 5 ms}"], "reprotection.failback: there is never a host to go back to"),
        (["reprotection={repair: 5 ms}", "fencing.kind=none"], "fencing.kind: a host that is not fenced may still run"),
        (["reprotection={spares: 1}", "replication.protocol=live-precopy"], "live-precopy protects a VM only once"),
        (
            ["reprotection={spares: 1, failback: 1 ms}", "replication.protocol=record-replay"],
            "record-replay does not move a VM as planned",
        ),
        (["failures.0.target=spare-2", "reprotection={spares: 1}"], "there is no spare-2; raise reprotection.spares"),
        (["failures.0.target=third"], "'third' cannot be struck by host-crash"),
    ],
)
def test_refuses_what_cannot_be_protected_again(small: Path, overrides: list[str], words: str) -> None:
    with refused(small) as lines:
        load(small, overrides)
    assert any(words in line for line in lines), lines


def test_a_host_that_is_repaired_can_crash_again(small: Path) -> None:
    scenario = load(small, [SECOND_CRASH, "reprotection={repair: 5 ms}"])
    assert len(scenario.failures) == 2
