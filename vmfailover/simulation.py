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
from vmfailover.results.audit import Audit
from vmfailover.results.metrics import metrics_of
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
#: A failover that is not over so much simulated time after the end of the run is not waited for, nanoseconds: an hour.
MOST_EXTENSION_NS = 3600 * 10**9
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
    Without `progress`, a run that takes long shows a bar in a notebook.
    """
    began = time.perf_counter()
    env = simpy.Environment()
    cluster = Cluster(env, scenario, twin, quantum)
    audit = Audit(cluster)
    readings = Readings(cluster)
    warm_up = WarmUpMeter(env, cluster, readings)
    sampler = Sampler(cluster, samples)
    failovers = StageWatch(cluster.journal)
    with bar(scenario.name) as shown:
        told = progress or (lambda time_ns: shown(time_ns, scenario.duration))
        interrupted = _run(cluster, sampler, failovers, told)
    readings.read_at_end()
    verdicts = audit.verdicts()
    wall_seconds = time.perf_counter() - began
    records = records_of(cluster, audit, tuple(readings.taken), tuple(warm_up.samples))
    values = metrics_of(records, wall_seconds)
    remarks = (*cluster.protection.remarks, *(remark_on(stage, cluster) for stage in [failovers.stage] if stage))
    return RunResult.of(cluster, records, values, verdicts, sampler.samples, remarks, interrupted=interrupted)


def _run(cluster: Cluster, sampler: Sampler, failovers: StageWatch, progress: Progress) -> bool:
    """Run to the end, step by step; say whether the user interrupted it."""
    env, end_ns = cluster.env, cluster.scenario.duration
    step_ns = max(1, min(end_ns // PROGRESS_STEPS, LONGEST_STEP_NS, sampler.every_ns))
    try:
        with Interruption() as interruption:
            while env.now < end_ns and not interruption.noted:
                env.run(until=min(int(env.now) + step_ns, end_ns))
                sampler.look()
                progress(int(env.now))
            if cluster.scenario.extend == "until-takeover":
                _extend(cluster, failovers, interruption, progress)
    except KeyboardInterrupt:
        return True
    return interruption.noted


def _extend(cluster: Cluster, failovers: StageWatch, interruption: Interruption, progress: Progress) -> None:
    """Go on to the very instant at which the failover under way is over, or to the end of all patience."""
    env, shown_ns = cluster.env, 0
    while failovers.stage and env.peek() <= cluster.scenario.duration + MOST_EXTENSION_NS and not interruption.noted:
        env.step()
        if env.now >= shown_ns:
            progress(int(env.now))
            shown_ns = int(env.now) + LONGEST_STEP_NS
