"""A run: builds the cluster of a scenario, lets it run, and returns what came of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property

import simpy

from vmfailover.audit.judge import Judge
from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.description import describe, instant
from vmfailover.cluster.event_logger import event_loggers
from vmfailover.cluster.observer import Observer, hooks
from vmfailover.engine.collection import collection_paused
from vmfailover.engine.compile_time import compile_time
from vmfailover.engine.interruption import Interruption
from vmfailover.engine.priority_timeout import FIRST, PriorityTimeout
from vmfailover.engine.progress_guard import GuardedEnvironment
from vmfailover.errors import NoProgressError, ParameterError
from vmfailover.guest.fidelity import LEFT_OUT
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.scheduler import DEFAULT_QUANTUM
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.notebook import bar
from vmfailover.records.events import Event, Kind
from vmfailover.replication.epoch import Epoch
from vmfailover.results.metrics import metrics_of
from vmfailover.results.patience import Patience
from vmfailover.results.quantities import duration
from vmfailover.results.readings import Readings
from vmfailover.results.records import records_of
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import Sampler
from vmfailover.results.stage import StageWatch, remark_on
from vmfailover.results.warm_up import WarmUpMeter
from vmfailover.scenario import Scenario
from vmfailover.scenario.units import DURATION

#: Called now and then with the simulated time reached, in nanoseconds.
Progress = Callable[[int], None]
#: A run can be interrupted, and reports its progress, so often at least …
PROGRESS_STEPS = 200
#: … and after so much simulated time at most, nanoseconds.
LONGEST_STEP_NS = 10_000_000
#: Instants at which the state of the hardware is noted, evenly over a run.
SAMPLES = 1000
#: A guest that is late for its ticks by more than this share of its time has not the time for what it is to do.
LATE = 0.02


def run(
    scenario: Scenario,
    *,
    twin: CacheTwin = kernel,
    quantum: int = DEFAULT_QUANTUM,
    samples: int = SAMPLES,
    observers: Sequence[Observer] = (),
    progress: Progress | None = None,
) -> RunResult:
    """Run one experiment and check its invariants.

    `twin` executes the guest's accesses, `quantum` records at most between two turns of the simulation, and the state
    of the hardware is noted at so many `samples`, or not at all if 0; none of them changes the metrics, and neither do
    `observers`. Ctrl-C, or KeyboardInterrupt from `progress`, ends the run early: what there is by then is the result.
    A second Ctrl-C raises. Raises NoProgressError if simulated time does not go on.
    Without `progress`, a run that takes long shows a bar in a notebook.
    """
    simulation = Simulation(scenario, twin=twin, quantum=quantum, samples=samples, observers=observers)
    simulation.run(progress=progress)
    return simulation.result()


class Simulation:
    """One experiment, to be run in parts and looked into between them.

    >>> simulation = Simulation(scenario)  # doctest: +SKIP
    >>> simulation.run(until="takeover")  # doctest: +SKIP
    >>> print(simulation.describe())  # doctest: +SKIP
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        twin: CacheTwin = kernel,
        quantum: int = DEFAULT_QUANTUM,
        samples: int = SAMPLES,
        observers: Sequence[Observer] = (),
    ) -> None:
        """Build the cluster of a scenario, as `run` says; nothing has happened yet."""
        self.scenario = scenario
        self._wall_seconds = self._compile_seconds = 0.0
        with self._at_work():
            self._env = GuardedEnvironment()
            #: Everything that is simulated.
            self.cluster = Cluster(self._env, scenario, twin, quantum)
            self._judge = Judge(self.cluster)
            self._readings = Readings(self.cluster)
            self._warm_up = WarmUpMeter(self._env, self.cluster, self._readings)
            self._sampler = Sampler(self.cluster, samples)
            self._failovers = StageWatch(self._env)
            self._patience = Patience(self.cluster)
            self._observe(observers)
            self._look_later()

    def _observe(self, others: Sequence[Observer]) -> None:
        own = (self._judge, self._readings, self._warm_up, self._sampler, self._failovers, self._patience)
        observers = (*own, *event_loggers(), *others)
        self._looks, self._ends = hooks(observers, "look"), hooks(observers, "end")
        for begin in hooks(observers, "begin"):
            begin(self.cluster)
        for tell in hooks(observers, "event"):
            self.cluster.event_log.watch(tell)

    # To look at.

    @property
    def now_ns(self) -> int:
        """The simulated time reached, nanoseconds."""
        return int(self._env.now)

    @property
    def hosts(self) -> Mapping[str, HostedVm]:
        """Every host in service, by its name, with the VM that it runs or could run."""
        return self.cluster.inventory.hosted

    @property
    def active(self) -> HostedVm:
        """The host that runs the VM, or did at last."""
        return self.cluster.active

    @property
    def epochs(self) -> Sequence[Epoch]:
        """Every epoch that has begun."""
        return self.cluster.epochs

    @property
    def events(self) -> Sequence[Event]:
        """What has happened, in order of time."""
        return self.cluster.event_log.events

    def describe(self) -> str:
        """Say in plain words how it stands: the VM, its hosts, the link, the epochs, and what happened last."""
        return describe(self.cluster)

    def __repr__(self) -> str:
        """Return the name of the scenario and the instant reached."""
        reached = f"at {instant(self.now_ns)} of {instant(self.scenario.duration)}"
        return f"<Simulation {self.scenario.name}, seed {self.scenario.seed}, {reached}>"

    # To run.

    def step(self) -> bool:
        """Let the next event of the simulation happen; False if there is none before the end of the run."""
        with self._at_work():
            return self._step()

    def run(self, until: str | int | None = None, *, progress: Progress | None = None) -> None:
        """Run to the end; or until an instant, as "12 ms" or in nanoseconds; or until the next event of a kind.

        The end is that of the scenario, with its `extend`. Ctrl-C, or KeyboardInterrupt from `progress`, ends it early.
        Raises ParameterError if `until` is no instant from now to the end and no kind of event, and NoProgressError if
        simulated time does not go on.
        """
        with self._at_work(), bar(self.scenario.name) as shown, Interruption() as interruption:
            told = progress or (lambda time_ns: shown(time_ns, self.scenario.duration))
            with suppress(KeyboardInterrupt):
                if until in tuple(Kind):
                    self._run_to_event(str(until), interruption, told)
                else:
                    self._run_to_instant(self._instant(until), interruption, told)
                    if until is None:
                        self._extend(interruption, told)

    def result(self) -> RunResult:
        """End the simulation where it is, judge it, and return what came of it; it cannot go on afterwards."""
        return self._result

    @cached_property
    def _result(self) -> RunResult:
        interrupted = self.now_ns < self.scenario.duration or self._waits
        with self._at_work():
            for end in self._ends:
                end()
            verdicts = self._judge.verdicts()
        with collection_paused():
            records = records_of(self.cluster, self._judge, tuple(self._readings.taken), tuple(self._warm_up.samples))
        values = metrics_of(records, self._wall_seconds, self._compile_seconds)
        remarks = (
            *self.scenario.warnings,
            *self._left_out,
            *self.cluster.protection.remarks,
            *self._late(),
            *self._unfinished(),
        )
        return RunResult.of(
            self.cluster, records, values, verdicts, self._sampler.samples, remarks, interrupted=interrupted
        )

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Count the time that is spent meanwhile, and name the run in an error."""
        if "_result" in vars(self):
            raise RuntimeError(f"{self!r} has been judged and cannot go on")
        began = time.perf_counter()
        try:
            with compile_time() as compiling:
                yield
        except NoProgressError as error:
            raise NoProgressError(f"{self.scenario.name}: {error}") from None
        finally:
            self._compile_seconds += compiling.seconds
            self._wall_seconds += time.perf_counter() - began

    def _instant(self, until: str | int | None) -> int:
        """Return an instant of the run in nanoseconds; the end for None."""
        end_ns = self.scenario.duration
        if until is None:
            return end_ns
        try:
            wanted_ns = until if isinstance(until, int) else int(DURATION.read(until))
        except ValueError as error:
            raise ParameterError("until", f"{until!r} is no kind of event and no instant: {error}") from None
        if not self.now_ns <= wanted_ns <= end_ns:
            span = f"from now, {instant(self.now_ns)}, to the end, {instant(end_ns)}"
            raise ParameterError("until", f"{instant(wanted_ns)} is not {span}")
        return wanted_ns

    def _step(self) -> bool:
        if self._env.peek() >= self.scenario.duration:
            return False
        self._env.step()
        return True

    def _run_to_instant(self, end_ns: int, interruption: Interruption, progress: Progress) -> None:
        while self.now_ns < end_ns and not interruption.noted:
            self._env.run(until=min(self._next_look_ns, end_ns))
            progress(self.now_ns)

    def _look_later(self) -> None:
        """Have the observers look at the next instant of an even grid, before all else that happens then.

        As an event of the simulation it is one that no VM runs beyond, however the run is cut.
        """
        due_ns = min(self._next_look_ns, self.scenario.duration)
        if due_ns > self.now_ns:
            PriorityTimeout(self._env, due_ns - self.now_ns, FIRST).callbacks.append(self._look)

    def _look(self, due: simpy.Event) -> None:
        del due
        for look in self._looks:
            look(self.now_ns)
        self._look_later()

    def _run_to_event(self, kind: str, interruption: Interruption, progress: Progress) -> None:
        seen = len(self.events)
        while not any(event.kind == kind for event in self.events[seen:]) and not interruption.noted and self._step():
            progress(self.now_ns)

    def _extend(self, interruption: Interruption, progress: Progress) -> None:
        """Go on for the failover that is under way at the end, if the scenario wants that."""
        while self._waits and not interruption.noted:
            self._env.run(until=self._failovers.over() | self._env.timeout(LONGEST_STEP_NS))
            progress(self.now_ns)

    @property
    def _next_look_ns(self) -> int:
        step_ns = max(1, min(self.scenario.duration // PROGRESS_STEPS, LONGEST_STEP_NS, self._sampler.every_ns))
        return (self.now_ns // step_ns + 1) * step_ns

    @property
    def _waits(self) -> bool:
        """Whether a run that has come to its end goes on for the failover that is under way."""
        stage = self._failovers.stage
        return self.scenario.extend is not None and stage is not None and not self._patience.given_up(stage)

    @property
    def _left_out(self) -> tuple[str, ...]:
        return (LEFT_OUT,) if self.scenario.fidelity == "sampled" else ()

    def _late(self) -> Iterator[str]:
        """Say that the guest does less than its hot sets say, if there is not the time for it."""
        vm, workload = self.active.vm, self.scenario.workload
        if not isinstance(workload, HotSetsWorkload):
            return
        guest_ns = vm.guest_ns(self.now_ns)
        late_ns = vm.late_ns(self.now_ns) - workload.tick
        if late_ns > LATE * guest_ns:
            yield (
                f"workload.sets: visits take more time than a vCPU has, which is {duration(late_ns)} late after "
                f"{duration(guest_ns)}: it never idles, and makes fewer than the sets say; say fewer visits or "
                "instructions, or more vCPUs"
            )

    def _unfinished(self) -> Iterator[str]:
        """Say where a failover stood that is still under way, and for which host the VM waits in vain."""
        stage, unfenced = self._failovers.stage, self._failovers.unfenced
        if stage:
            yield remark_on(stage, self.cluster, self._patience.given_up(stage))
        if unfenced:
            yield f"the {unfenced} was given up and could not be fenced: the VM does not go on without it"
