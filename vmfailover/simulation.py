"""A run: builds the cluster of a scenario, lets it run, and returns what came of it."""

import time
from collections.abc import Callable

import simpy

from vmfailover.cluster import Cluster
from vmfailover.guest.scheduler import DEFAULT_QUANTUM
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.interruption import Interruption
from vmfailover.notebook import bar
from vmfailover.progress_guard import GuardedEnvironment, NoProgressError
from vmfailover.results.audit import Audit
from vmfailover.results.metrics import metrics_of
from vmfailover.results.progress import RateSampler
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import Sampler
from vmfailover.scenario import Scenario

#: Called now and then with the simulated time reached, in nanoseconds.
Progress = Callable[[int], None]
#: A run can be interrupted, and reports its progress, so often at least …
PROGRESS_STEPS = 200
#: … and after so much simulated time at most, nanoseconds.
LONGEST_STEP_NS = 10_000_000
#: Instants at which the state of the hardware is noted, evenly over a run.
SAMPLES = 1000


def run(
    scenario: Scenario,
    *,
    twin: CacheTwin = kernel,
    quantum: int = DEFAULT_QUANTUM,
    samples: int = SAMPLES,
    progress: Progress | None = None,
) -> RunResult:
    """Run one experiment and check its invariants.

    `twin` executes the guest's accesses, `quantum` records at most between two turns of the simulation, and the state
    of the hardware is noted at so many `samples`, or not at all if 0; none of them changes the metrics. Ctrl-C, or
    KeyboardInterrupt from `progress`, ends the run early: what there is by then is the result. A second Ctrl-C raises.
    Raises NoProgressError if simulated time does not go on.
    Without `progress`, a run that takes long shows a bar in a notebook.
    """
    began = time.perf_counter()
    env = GuardedEnvironment()
    cluster = Cluster(env, scenario, twin, quantum)
    audit = Audit(cluster)
    rates = RateSampler(env, cluster)
    sampler = Sampler(cluster, samples)
    with bar(scenario.name) as shown:
        told = progress or (lambda time_ns: shown(time_ns, cluster.end_ns))
        try:
            interrupted = _run_until(env, cluster.end_ns, sampler, told)
        except NoProgressError as error:
            raise NoProgressError(f"{scenario.name}: {error}") from None
    verdicts = audit.verdicts()
    wall_seconds = time.perf_counter() - began
    metrics = metrics_of(cluster, audit, rates, wall_seconds)
    return RunResult.of(cluster, metrics, verdicts, sampler.samples, interrupted=interrupted)


def _run_until(env: simpy.Environment, end_ns: int, sampler: Sampler, progress: Progress) -> bool:
    """Run to the end, step by step; say whether the user interrupted it."""
    step_ns = max(1, min(end_ns // PROGRESS_STEPS, LONGEST_STEP_NS, sampler.every_ns))
    with Interruption() as interruption:
        while env.now < end_ns and not interruption.noted:
            env.run(until=min(int(env.now) + step_ns, end_ns))
            sampler.look()
            try:
                progress(int(env.now))
            except KeyboardInterrupt:
                break
    return int(env.now) < end_ns
