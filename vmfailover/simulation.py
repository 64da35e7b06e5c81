"""A run: builds the cluster of a scenario, lets it run, and returns what came of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from vmfailover.audit.judge import Judge
from vmfailover.cluster.cluster import Cluster
from vmfailover.engine.collection import collection_paused
from vmfailover.engine.compile_time import compile_time
from vmfailover.engine.interruption import Interruption
from vmfailover.engine.progress_guard import GuardedEnvironment
from vmfailover.errors import NoProgressError
from vmfailover.guest.scheduler import DEFAULT_QUANTUM
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.notebook import bar
from vmfailover.results.metrics import metrics_of
from vmfailover.results.patience import Patience
from vmfailover.results.readings import Readings
from vmfailover.results.records import records_of
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import Sampler
from vmfailover.results.stage import StageWatch, remark_on
from vmfailover.results.warm_up import WarmUpMeter
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
    audit = Judge(cluster)
    readings = Readings(cluster)
    warm_up = WarmUpMeter(env, cluster, readings)
    sampler = Sampler(cluster, samples)
    failovers = StageWatch(env, cluster.event_log)
    patience = Patience(cluster)
    with compile_time() as compiling:
        with bar(scenario.name) as shown:
            told = progress or (lambda time_ns: shown(time_ns, scenario.duration))
            try:
                interrupted = _run(cluster, sampler, failovers, patience, told)
            except NoProgressError as error:
                raise NoProgressError(f"{scenario.name}: {error}") from None
        readings.read_at_end()
        verdicts = audit.verdicts()
    wall_seconds = time.perf_counter() - began
    with collection_paused():
        records = records_of(cluster, audit, tuple(readings.taken), tuple(warm_up.samples))
    values = metrics_of(records, wall_seconds, compiling.seconds)
    remarks = (*scenario.warnings, *cluster.protection.remarks, *_unfinished(cluster, failovers, patience))
    return RunResult.of(cluster, records, values, verdicts, sampler.samples, remarks, interrupted=interrupted)


def _run(cluster: Cluster, sampler: Sampler, failovers: StageWatch, patience: Patience, progress: Progress) -> bool:
    """Run to the end, step by step; say whether the user interrupted it."""
    env, end_ns = cluster.env, cluster.scenario.duration
    step_ns = max(1, min(end_ns // PROGRESS_STEPS, LONGEST_STEP_NS, sampler.every_ns))
    with Interruption() as interruption, suppress(KeyboardInterrupt):
        while env.now < end_ns and not interruption.noted:
            env.run(until=min(int(env.now) + step_ns, end_ns))
            sampler.look()
            progress(int(env.now))
        while _waits(cluster, failovers, patience) and not interruption.noted:
            env.run(until=failovers.over() | env.timeout(LONGEST_STEP_NS))
            progress(int(env.now))
    return int(env.now) < end_ns or _waits(cluster, failovers, patience)


def _waits(cluster: Cluster, failovers: StageWatch, patience: Patience) -> bool:
    """Whether a run that has come to its end goes on for the failover that is under way."""
    stage = failovers.stage
    return cluster.scenario.extend is not None and stage is not None and not patience.given_up(stage)


def _unfinished(cluster: Cluster, failovers: StageWatch, patience: Patience) -> Iterator[str]:
    """Say where a failover stood that is still under way, and for which host the VM waits in vain."""
    if failovers.stage:
        yield remark_on(failovers.stage, cluster, patience.given_up(failovers.stage))
    if failovers.unfenced:
        yield f"the {failovers.unfenced} was given up and could not be fenced: the VM does not go on without it"
