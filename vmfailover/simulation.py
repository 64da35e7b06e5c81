"""A run: builds the cluster of a scenario, lets it run, and returns what came of it."""

import time
from collections.abc import Callable

import simpy

from vmfailover.cluster import Cluster
from vmfailover.guest.scheduler import DEFAULT_QUANTUM
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.results.audit import Audit
from vmfailover.results.metrics import metrics_of
from vmfailover.results.progress import RateSampler
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario

#: Called now and then with the simulated time reached, in nanoseconds.
Progress = Callable[[int], None]
#: How often a run reports its progress.
PROGRESS_STEPS = 200


def run(
    scenario: Scenario,
    *,
    twin: CacheTwin = kernel,
    quantum: int = DEFAULT_QUANTUM,
    progress: Progress | None = None,
) -> RunResult:
    """Run one experiment and check its invariants.

    `twin` executes the guest's accesses, `quantum` records at most between two turns of the simulation; neither
    changes the result. An interrupt from the keyboard ends the run early: what there is by then is the result.
    """
    began = time.perf_counter()
    env = simpy.Environment()
    cluster = Cluster(env, scenario, twin, quantum)
    audit = Audit(cluster)
    sampler = RateSampler(env, cluster)
    interrupted = _run_until(env, scenario.duration, progress)
    verdicts = audit.verdicts()
    wall_seconds = time.perf_counter() - began
    metrics = metrics_of(cluster, audit, sampler, wall_seconds)
    return RunResult.of(cluster, metrics, verdicts, interrupted=interrupted)


def _run_until(env: simpy.Environment, end_ns: int, progress: Progress | None) -> bool:
    """Run to the end; say whether the user interrupted it."""
    try:
        if progress is None:
            env.run(until=end_ns)
        else:
            for step in range(1, PROGRESS_STEPS + 1):
                env.run(until=end_ns * step // PROGRESS_STEPS)
                progress(int(env.now))
    except KeyboardInterrupt:
        return True
    return False
