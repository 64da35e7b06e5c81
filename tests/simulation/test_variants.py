"""Every variant of the scenarios for tests does what its name says, and no invariant breaks in any."""

from collections.abc import Callable

import pytest
from runs_for_tests import Observed, broken, happened, observe, variants
from scenarios_for_tests import VARIANTS, minute, small

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.units import SampledHotSets
from vmfailover.guest.workloads.mix import MixWorkload
from vmfailover.hardware.cache.state import Counter
from vmfailover.scenario import Scenario
from vmfailover.scenario.checks import least_log
from vmfailover.traces.accesses import AccessChunk

Claim = Callable[[Observed], bool]


def streams(run: Observed) -> bool:
    return any(epoch.lines > epoch.residue for epoch in run.result.epoch_rows)


def checks_only_at_checkpoints(run: Observed) -> bool:
    walks = [event for event in happened(run.result, "scan") if event.host == "primary"]
    return len(walks) == len(happened(run.result, "final-scan"))


def other_host_asks(run: Observed) -> bool:
    return run.cluster.link.backward.statistics.messages > len(happened(run.result, "commit"))


def is_interrupted(run: Observed) -> bool:
    return run.cluster.protection.log_stall_ns > 0 and len(happened(run.result, "log-limit")) > 0


def drains(run: Observed) -> bool:
    unforced = not any(epoch.forced for epoch in run.result.epoch_rows)
    return is_interrupted(run) and streams(run) and unforced and run.cluster.primary.vm.log.guard_band > 0


def forces_checkpoints(run: Observed) -> bool:
    return is_interrupted(run) and any(epoch.forced for epoch in run.result.epoch_rows)


def stalls(run: Observed) -> bool:
    return is_interrupted(run) and run.cluster.primary.vm.log.guard_band == 0


def counted(counter: Counter, run: Observed) -> int:
    return run.cluster.primary.host.processor.count(counter)


def transfers(run: Observed) -> bool:
    return counted(Counter.LOG_TRANSFER, run) > 0


def all_vcpus_run(run: Observed) -> bool:
    return run.cluster.primary.vm.processor.cores > 1 and min(run.cluster.primary.vm.positions) > 0


def first_chunk(run: Observed) -> AccessChunk:
    workload = run.cluster.workload
    assert not isinstance(workload, SampledHotSets)
    return next(workload.chunks(0))


def first_chunk_steps(run: Observed) -> set[int]:
    block = first_chunk(run).block[:64].astype(int)
    return set((block[1:] - block[:-1]).tolist())


def never_overlaps(run: Observed) -> bool:
    return first_chunk(run).parallelism == 1.0


def reaches_its_last_phase(run: Observed) -> bool:
    workload = run.result.scenario.workload
    assert isinstance(workload, MixWorkload)
    return run.cluster.primary.vm.positions[0] > sum(phase.accesses for phase in workload.phases[:-1])


def keeps_to_its_ticks(run: Observed) -> bool:
    vm, workload = run.cluster.primary.vm, run.result.scenario.workload
    assert isinstance(workload, HotSetsWorkload)
    guest = run.cluster.workload
    assert not isinstance(guest, SampledHotSets)
    streams = [guest.chunks(vcpu, position) for vcpu, position in enumerate(vm.positions)]
    guest_ns = vm.guest_ns(run.result.scenario.duration)
    return all(abs(next(stream).not_before_ns - guest_ns) <= workload.tick for stream in streams)


def longest_epoch(run: Observed) -> int:
    return max(epoch.paused_ns - epoch.started_ns for epoch in run.result.epoch_rows)


#: What each variant does that its name says.
CLAIMS: dict[str, Claim] = {
    "base": streams,
    "no-streaming": checks_only_at_checkpoints,
    "roomy-log": lambda run: not happened(run.result, "log-limit"),
    "helper-thread": lambda run: not happened(run.result, "early-copy") and len(happened(run.result, "scan")) > 0,
    "other-host": lambda run: other_host_asks(run) and streams(run),
    "other-host-no-streaming": lambda run: other_host_asks(run) and checks_only_at_checkpoints(run),
    "log-drain": lambda run: drains(run) and checks_only_at_checkpoints(run),
    "log-drain-streaming": lambda run: drains(run) and not checks_only_at_checkpoints(run),
    "log-checkpoint": lambda run: forces_checkpoints(run) and checks_only_at_checkpoints(run),
    "log-checkpoint-streaming": lambda run: forces_checkpoints(run) and streams(run),
    "log-stall": lambda run: stalls(run) and checks_only_at_checkpoints(run),
    "log-stall-least": lambda run: stalls(run) and run.cluster.primary.vm.log.size == least_log(run.result.scenario),
    "tiny-caches": lambda run: counted(Counter.LOG_CASTOUT, run) > counted(Counter.LOG_SCAN, run) > 0,
    "two-vcpus": lambda run: all_vcpus_run(run) and transfers(run),
    "three-vcpus-log": lambda run: all_vcpus_run(run) and transfers(run),
    "three-vcpus-carry": lambda run: counted(Counter.TRANSFERS, run) > 0 and not transfers(run),
    "three-vcpus-drain": lambda run: all_vcpus_run(run) and transfers(run) and drains(run),
    "slow-link": lambda run: longest_epoch(run) > 1.2 * run.result.scenario.replication.checkpoint_interval,
    "lossy-link": lambda run: run.cluster.link.forward.statistics.retransmitted_frames > 0,
    "small-queue": lambda run: run.cluster.link.forward.statistics.lost_datagrams > 0,
    "no-fencing": lambda run: run.result.values["failover.fencing_ns"] == 0,
    "no-clients": lambda run: not run.result.responses and not run.cluster.primary.guest.device_writes,
    "no-failure": lambda run: not happened(run.result, "failure") and not happened(run.result, "takeover"),
    "sequential": lambda run: first_chunk_steps(run) == {1},
    "pointer-chase": never_overlaps,
    "mix": reaches_its_last_phase,
    "hot-sets": keeps_to_its_ticks,
}


@pytest.mark.parametrize("make", [small, minute], ids=["small", "minute"])
@pytest.mark.parametrize("variant", variants(VARIANTS))
def test_variant(variant: str, make: Callable[[str], Scenario]) -> None:
    run = observe(make(variant))
    assert not broken(run)
    assert CLAIMS[variant](run)
    assert len(happened(run.result, "commit")) >= 1
    assert len(happened(run.result, "takeover")) == len(run.result.scenario.failures)
