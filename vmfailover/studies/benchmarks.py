"""What `vmfailover bench` measures: the kernel, what feeds it, and whole runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import simpy

from vmfailover.audit.expected_memory import ExpectedMemory
from vmfailover.errors import InputError
from vmfailover.guest.scheduler import DEFAULT_QUANTUM, Scheduler
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.trace import TraceWorkload
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import Counter
from vmfailover.hardware.memory import Memory, MemoryRange
from vmfailover.hardware.processor import Processor
from vmfailover.scenario import Scenario
from vmfailover.scenario.guests import guest_workload
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.workload import Workload
from vmfailover.simulation import run
from vmfailover.studies.measurement import Benchmark, Sample
from vmfailover.studies.stopwatch import Stopwatch
from vmfailover.studies.trace_run import TraceRun
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import open_trace

__all__ = ["benchmarks", "kernel_host"]

#: Instructions from one check of the flags to the next, where there are any.
SCAN_INSTRUCTIONS = 1_000_000
#: Records of a trace that are held in memory, at most.
TRACE_RECORDS = 1 << 25
#: Records that are generated for one sample.
SYNTHETIC_RECORDS = 1 << 22
SYNTHETIC_MEMORY = 1 << 30
#: Memory of a machine that is only scheduled.
SMALL_MEMORY = 1 << 20
#: Machines that stand still beside two that run.
STANDING = (0, 2_000)
#: Events between which they run, and the time from one to the next, nanoseconds.
EVENTS, EVENT_NS = 1_000, 1_000
#: Two hosts of which both run the VM after the link between them is cut, or one after the other one's crash.
SPLIT: dict[str, Any] = {
    "duration": "50 ms",
    "replication": {"protocol": "cacheline-flags", "checkpoint_interval": "1 ms"},
    "detection": {"kind": "heartbeat", "interval": "1 ms", "timeout": "3 ms"},
    "fencing": {"kind": "none"},
    "link": {"bandwidth": "10 Gbit/s", "latency": "1 us"},
    "clients": None,
    "expect": {},
}
ONE_GUEST: dict[str, Any] = {"failures": [{"at": "2 ms", "kind": "host-crash", "target": "secondary"}]}
TWO_GUESTS: dict[str, Any] = {"failures": [{"at": "2 ms", "kind": "link-cut"}]}
#: Workloads by their names, each of one vCPU.
GENERATED: dict[str, dict[str, Any]] = {
    **{kind: {"kind": kind} for kind in ("zipf", "sequential", "uniform", "pointer-chase")},
    "hot-sets": {
        "kind": "hot-sets",
        "sets": [
            {"kind": "random", "memory": "512 KiB", "visits": "20000000 /s", "burst": "256 B", "loads": 2.0},
            {"kind": "random", "memory": "40 MiB", "visits": "200000 /s", "loads": 2.0},
            {"kind": "stream", "memory": "8 MiB", "visits": "100000 /s", "burst": "4 KiB", "loads": 1.0},
        ],
    },
}

#: Two fidelities of a guest that is protected by checkpoints of pages, and how long each of them is simulated.
FIDELITIES: dict[str, Any] = {
    "vm": {"vcpus": 1, "memory": "128 MiB"},
    "replication": {"protocol": "page-write-protect", "checkpoint_interval": "10 ms"},
    "clients": None,
    "failures": [],
    "expect": {},
}
EXECUTED_NS, SAMPLED_NS = 50_000_000, 2_000_000_000
#: Guests of which both are measured.
SAMPLED: dict[str, dict[str, Any]] = {
    "hot-sets": GENERATED["hot-sets"],
    "redis": guest_workload("redis"),
}


def benchmarks(scenario: Scenario, path: Path, overrides: Sequence[str]) -> Iterator[Benchmark]:
    """Yield all benchmarks of a scenario, which is the one in the file at `path` with `overrides`.

    The kernel is measured on its workload, one core with L1 and L2 alone, and so is reading if that is a trace.
    """
    yield from _kernel_benchmarks(scenario)
    if isinstance(scenario.workload, TraceWorkload):
        yield Benchmark("reading the trace", partial(_reading, scenario.workload.trace))
    for name, keys in GENERATED.items():
        yield Benchmark(f"generating and executing: {name}", partial(_generated, scenario, keys))
    for standing in STANDING:
        name = f"{EVENTS:,} events, 2 machines run, {standing:,} stand still"
        yield Benchmark(name, partial(_scheduled, scenario, standing))
    yield Benchmark("run, after start-up", partial(_run, scenario))
    for name, keys in SAMPLED.items():
        yield Benchmark(f"run, executed: {name}", partial(_executed_and_sampled, scenario, keys))
    yield Benchmark("two guests at once", partial(_two_guests, scenario))
    yield Benchmark("process: vmfailover --help", partial(_process, ["--help"]))
    assignments = [word for text in overrides for word in ("--set", text)]
    yield Benchmark("process: vmfailover run", partial(_process, ["run", str(path), *assignments]))


def kernel_host(scenario: Scenario) -> HostSpec:
    """Return the host that the kernel is measured on: the primary without its L3."""
    return scenario.hosts.primary.model_copy(update={"l3": None})


def _kernel_benchmarks(scenario: Scenario) -> Iterator[Benchmark]:
    chunks = _recorded(scenario)
    yield Benchmark("kernel", partial(_kernel, scenario, chunks, None))
    yield Benchmark("kernel, with checks", partial(_kernel, scenario, chunks, SCAN_INSTRUCTIONS))
    yield Benchmark("kernel, with checks and audit", partial(_audited, scenario, chunks))


def _recorded(scenario: Scenario) -> list[AccessChunk]:
    """Return the beginning of the first vCPU's stream, in memory."""
    if isinstance(scenario.workload, TraceWorkload):
        return list(_beginning(open_trace(scenario.workload.trace).chunks(0), TRACE_RECORDS))
    workload = open_workload(scenario.workload, scenario.vm.vcpus, scenario.hosts.primary.line, scenario.seed)
    return list(_beginning(workload.chunks(0), SYNTHETIC_RECORDS))


def _beginning(chunks: Iterable[AccessChunk], records: int) -> Iterator[AccessChunk]:
    for chunk in chunks:
        yield chunk
        records -= chunk.records
        if records <= 0:
            return


def _kernel(scenario: Scenario, chunks: Iterable[AccessChunk], scan_instructions: int | None) -> Sample:
    core = TraceRun(scenario.vm.memory, kernel_host(scenario), scan_instructions)
    for chunk in chunks:
        core.execute(chunk)
    return _executed(core, core.seconds)


def _audited(scenario: Scenario, chunks: Iterable[AccessChunk]) -> Sample:
    """Execute the stores a second time, as a run's audit does, each chunk being an epoch."""
    core = TraceRun(scenario.vm.memory, kernel_host(scenario), SCAN_INSTRUCTIONS)
    ledger, audit = ExpectedMemory(scenario.vm.memory, scenario.hosts.primary.line), Stopwatch()
    log, store = audit.timed(ledger.log), audit.timed(ledger.store)
    for epoch, chunk in enumerate(chunks):
        log(core.execute(chunk), epoch)
        store(chunk, epoch)
    return _executed(core, core.seconds + audit.seconds, audit=audit.seconds)


def _executed(core: TraceRun, seconds: float, **others: float) -> Sample:
    return Sample(seconds, core.records, core.count(Counter.ACCESSES), {"kernel": core.seconds, **others})


def _reading(path: Path) -> Sample:
    began = time.perf_counter()
    trace = open_trace(path)
    records = sum(chunk.records for vcpu in range(trace.metadata.vcpus) for chunk in trace.chunks(vcpu))
    return Sample(time.perf_counter() - began, records, trace.metadata.accesses)


def _generated(scenario: Scenario, keys: dict[str, Any]) -> Sample:
    spec = Workload.model_validate(keys)
    host = kernel_host(scenario)
    core, workload = TraceRun(SYNTHETIC_MEMORY, host), open_workload(spec, 1, host.line, scenario.seed)
    began = time.perf_counter()
    for chunk in _beginning(workload.chunks(0), SYNTHETIC_RECORDS):
        core.execute(chunk)
    return _executed(core, time.perf_counter() - began)


def _scheduled(scenario: Scenario, standing: int) -> Sample:
    """Let two machines run from event to event; those that stand still share their hardware with the first."""
    env = simpy.Environment()
    scheduler = Scheduler(env, DEFAULT_QUANTUM, scenario.link.latency)
    running = [_small_machine(scenario) for _ in range(2)]
    still = [VirtualMachine(running[0].processor, running[0].log, 0) for _ in range(standing)]
    for vm in (*running, *still):
        scheduler.add(vm)
    for vm in running:
        vm.resume(0)
    began = time.perf_counter()
    for event in range(1, EVENTS + 1):
        env.run(until=event * EVENT_NS)
    return Sample(time.perf_counter() - began, accesses=sum(vm.accesses for vm in running))


def _small_machine(scenario: Scenario) -> VirtualMachine:
    host = kernel_host(scenario)
    processor = Processor(kernel, host, 1, Memory(SMALL_MEMORY, host.line))
    lines = SMALL_MEMORY // host.line
    log = AddressLog.of_only_vm(kernel, MemoryRange(lines, lines), host.line)
    vm = VirtualMachine(processor, log, 0)
    spec = SyntheticWorkload.model_validate({"kind": "uniform", "working_set": "512 KiB"})
    vm.load(open_workload(spec, 1, host.line, scenario.seed), (0,), 0, 0)
    return vm


def _two_guests(scenario: Scenario) -> Sample:
    """Take the time of a split brain, of which that of the same guest on one host is a part."""
    one, two = (run(scenario.with_(**SPLIT, **failures), samples=0) for failures in (ONE_GUEST, TWO_GUESTS))
    seconds = [float(found.values["run.wall_seconds"] or 0) for found in (one, two)]
    return Sample(seconds[1], accesses=int(two.values["run.accesses"] or 0), parts={"one guest": seconds[0]})


def _executed_and_sampled(scenario: Scenario, keys: dict[str, Any]) -> Sample:
    """Take the time of an executed guest, and what the sampled one takes for as much simulated time."""
    executed, sampled = (
        run(scenario.with_(**FIDELITIES, workload=keys, fidelity=fidelity, duration=f"{duration_ns} ns"), samples=0)
        for fidelity, duration_ns in (("executed", EXECUTED_NS), ("sampled", SAMPLED_NS))
    )
    seconds = [float(found.values["run.wall_seconds"] or 0) for found in (executed, sampled)]
    accesses, part = int(executed.values["run.accesses"] or 0), seconds[1] * EXECUTED_NS / SAMPLED_NS
    return Sample(seconds[0], accesses=accesses, parts={"sampled": part})


def _run(scenario: Scenario) -> Sample:
    kernel, audit = Stopwatch(), Stopwatch()
    with audit.watching(ExpectedMemory, "log", "store", "write", "compare"):
        values = run(scenario, twin=kernel.kernel()).values
    seconds, accesses = float(values["run.wall_seconds"] or 0), int(values["run.accesses"] or 0)
    return Sample(seconds, accesses=accesses, parts={"kernel": kernel.seconds, "audit": audit.seconds})


def _process(arguments: Sequence[str]) -> Sample:
    began = time.perf_counter()
    process = subprocess.run([sys.executable, "-m", "vmfailover", *arguments], capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if process.returncode > 1:
        raise InputError(process.stderr)
    return Sample(seconds)
