"""The availability of a VM on two hosts over many failures, each failover of which is one that has been simulated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from itertools import repeat
from typing import Any

from vmfailover.engine.streams import generator
from vmfailover.errors import InputError, ParameterError
from vmfailover.scenario import Scenario
from vmfailover.scenario.sizes import transfer_ns
from vmfailover.scenario.units import DURATION, LIFETIME
from vmfailover.studies.comparison import compare
from vmfailover.studies.host_pair import HostPair, Life, live
from vmfailover.studies.progress import Progress
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.statistics import CONFIDENCE, Statistic, statistic
from vmfailover.studies.study import ScenarioStudy, study_pool

#: A Julian year in nanoseconds: 365.25 days.
YEAR_NS = 31_557_600 * 10**9
#: How hosts can be repaired: both at once, or one after the other.
REPAIRS = ("independent", "one-crew")
#: Failures of hosts in all replications together, if not said otherwise.
FAILURES = 1_000_000
#: The most failures that are simulated, a matter of an hour.
MOST_FAILURES = 1_000_000_000
#: Replications if not said otherwise.
REPLICATIONS = 20
#: Failovers that are simulated if not said otherwise.
FAILOVERS = 20


@dataclass(frozen=True)
class Availability(ScenarioStudy):
    """What two hosts make of a VM over the years.

    Statistics are over replications, with 95 % confidence intervals; the simulated failovers are taken as they are.
    """

    scenario: Scenario
    pair: HostPair
    #: The simulated failovers, whose latencies are `pair.failovers_ns`.
    runs: tuple[StudyRun, ...]
    #: The years, one life a replication, each as long as the others.
    lives: tuple[Life, ...]

    @property
    def availability(self) -> Statistic:
        """The share of time in which the VM is up."""
        return statistic([1 - life.downtime_ns / life.time_ns for life in self.lives])

    @property
    def nines(self) -> float | None:
        """−log10(1 − availability); None if the VM was never down."""
        downtime_ns = sum(life.downtime_ns for life in self.lives)
        return -math.log10(downtime_ns / self.time_ns) if downtime_ns else None

    @property
    def exposure_share(self) -> Statistic:
        """The share of time in which no other host could have taken over, outages included."""
        return statistic([life.exposure_ns / life.time_ns for life in self.lives])

    @property
    def time_ns(self) -> int:
        """The time that has been simulated, all replications together, in nanoseconds."""
        return sum(life.time_ns for life in self.lives)

    @property
    def consistent(self) -> bool:
        """Whether no invariant is broken in any simulated failover."""
        return not any(run.broken for run in self.runs)

    def total(self, name: str) -> int:
        """Return an amount of `Life`, such as `outages`, of all replications together."""
        return sum(getattr(life, name) for life in self.lives)

    def per_year(self, name: str) -> Statistic:
        """Return an amount of `Life` a year, such as `outages`, or `downtime_ns` in nanoseconds."""
        return statistic([getattr(life, name) / life.time_ns * YEAR_NS for life in self.lives])

    def __repr__(self) -> str:
        """Return what it comes to in a line."""
        return f"<Availability of {self.scenario.name}: {self.availability.mean}, {len(self.lives)} replications>"

    def _findings(self) -> dict[str, Any]:
        amounts = ("downtime_ns", "failover_ns", "outage_ns", "exposure_ns", "failures", "failovers", "outages")
        return {
            "seed": self.scenario.seed,
            "confidence": CONFIDENCE,
            "model": asdict(self.pair),
            "replications": len(self.lives),
            "years": self.time_ns / YEAR_NS,
            "failures": self.total("failures"),
            "availability": self.availability.to_dict(),
            "nines": self.nines,
            "per_year": {name: self.per_year(name).to_dict() for name in amounts},
            "exposure_share": self.exposure_share.to_dict(),
            "failover_latency_ns": statistic(self.pair.failovers_ns).to_dict(),
            "broken_invariants": sorted({line for run in self.runs for line in run.broken}),
            "remarks": list(self.runs[0].remarks),
        }


def availability(
    scenario: Scenario,
    *,
    mttf: str = "1000 h",
    mttr: str = "4 h",
    repair: str = "independent",
    weibull_shape: float = 1.0,
    years: float | None = None,
    failures: int = FAILURES,
    replications: int = REPLICATIONS,
    failovers: int = FAILOVERS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Availability:
    """Let both hosts of a scenario fail and be repaired for many years, and return how long its VM is up.

    `mttf` and `mttr` are the mean times to failure and repair of one host; their defaults, orders of magnitude to
    start from, are assumed. `repair` is one of `REPAIRS`. So many `years` are shared out among the replications, or as
    many as bring about so many `failures` of hosts. Each blackout of a failover is one of the latencies of so many
    simulated `failovers` (see `crashes`). `executor` runs them, new processes on all cores if not said.

    Raises InputError for values that are no times, and if a simulated failure is not followed by a failover;
    KeyboardInterrupt if the user interrupts.
    """
    mttf_ns, mttr_ns = _read("mttf", mttf), _read("mttr", mttr)
    if repair not in REPAIRS:
        raise ParameterError("repair", f"{repair!r} is unknown; it is one of {', '.join(REPAIRS)}")
    time_ns = _time_of_each(replications, mttf_ns + mttr_ns, years, failures)
    with study_pool("simulating", executor, progress) as (pool, told):
        runs = _simulated(crashes(scenario, failovers), pool, lambda done, of: told(done, of + replications))
        pair = HostPair(
            mttf_ns,
            mttr_ns,
            failovers_ns=tuple(int(run.values["failover.latency_ns"] or 0) for run in runs),
            resynchronisation_ns=resynchronisation_ns(scenario),
            restart_ns=scenario.replication.restart.boot,
            one_crew=repair == "one-crew",
            weibull_shape=weibull_shape,
        )
        lives = []
        for life in pool.map(live, repeat(pair), repeat(time_ns), repeat(scenario.seed), range(replications)):
            lives.append(life)
            told(failovers + len(lives), failovers + replications)
    return Availability(scenario, pair, runs, tuple(lives))


def crashes(scenario: Scenario, number: int) -> list[Scenario]:
    """Return so many copies of a scenario in which the primary crashes once, at instants spread at random.

    They are spread over the time until the scenario's own failure, or over the first half of a run without one at a
    given time, and each takeover is waited for. Each has one of `number` equal parts of that time to itself. They
    are the same for all scenarios with the same seed and the same time. The n-th copy's seed is n higher.
    """
    times = [failure.at for failure in scenario.failures if failure.at]
    spread_ns = min(times, default=scenario.duration // 2)
    shares = (generator(scenario.seed, "availability.crash").random(number) + range(number)) / number
    return [
        scenario.with_(
            seed=scenario.seed + index,
            extend="until-takeover",
            failures=[{"at": f"{int(share * spread_ns)} ns", "kind": "host-crash", "target": "primary"}],
        )
        for index, share in enumerate(shares.tolist())
    ]


def resynchronisation_ns(scenario: Scenario) -> int:
    """Return how long a repaired host needs until it can take over, in nanoseconds.

    That is all of the VM's memory at the full bandwidth of the link, without framing and without what is modified
    meanwhile; nothing under a protocol that keeps no copy.
    """
    needed_bytes = scenario.vm.memory if scenario.replication.needs_copy else 0
    return transfer_ns(needed_bytes * 8, scenario.link.bandwidth)


def _read(field: str, text: str) -> int:
    try:
        time_ns = int(LIFETIME.read(text))
    except ValueError as error:
        raise ParameterError(field, str(error)) from None
    if time_ns == 0:
        raise ParameterError(field, "must be above zero")
    return time_ns


def _time_of_each(replications: int, cycle_ns: int, years: float | None, failures: int) -> int:
    """Return the time of each replication, in nanoseconds, each host failing once a cycle."""
    time_ns = failures * cycle_ns / 2 if years is None else years * YEAR_NS
    if time_ns * 2 / cycle_ns > MOST_FAILURES:
        raise InputError(f"that is more than {MOST_FAILURES:,} failures of hosts; simulate less time")
    return max(1, int(time_ns / replications))


def _simulated(scenarios: Sequence[Scenario], pool: Executor, progress: Progress) -> tuple[StudyRun, ...]:
    """Run scenarios with one failure each; require that a failover follows each.

    Blackouts are `failover.latency_ns`, from the failure until the VM runs on the other host, and not
    `client.blackout_ns`, which there is only with clients and depends on when they happen to ask.
    """
    columns = {str(index): scenario for index, scenario in enumerate(scenarios)}
    found = compare(columns, replications=1, executor=pool, progress=progress)
    if found.interrupted:
        raise KeyboardInterrupt
    for scenario, run in zip(scenarios, found.runs, strict=True):
        if run.values.get("failover.latency_ns") is None:
            name, at = scenario.path or scenario.name, DURATION.format(scenario.failures[0].at or 0)
            raise InputError(f"{name}: no failover followed a failure at {at}: {_reason(run, scenario)}")
    return found.runs


def _reason(run: StudyRun, scenario: Scenario) -> str:
    """Return why the other host did not take over from a host that had failed, or what would help."""
    if run.values.get("failover.activation_ns") is not None:
        return "a false alarm came first; make 'detection.timeout' longer"
    told = [line for line in run.remarks if line not in scenario.warnings]
    return run.error or "; ".join(told) or "the VM did not come up on it"
