"""One live migration, run, and what other settings would make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from vmfailover.display import Plotted
from vmfailover.errors import InputError, ParameterError
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.results.migration import Round, rounds_of
from vmfailover.results.quantities import bit_rate, duration
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.scenario.document import Document
from vmfailover.scenario.reading import document_of
from vmfailover.scenario.units import BANDWIDTH, DURATION, SIZE
from vmfailover.scenario.workload_file import workload_document
from vmfailover.simulation import run
from vmfailover.studies.fit import DirtyRate, fit_rates
from vmfailover.studies.migration.forecast import Forecast, forecast, longest_ns, migration_of
from vmfailover.studies.study import ScenarioStudy

__all__ = ["Migration", "Setting", "migrate"]

#: Share of their time for which the vCPUs are busy of a guest that is told by its dirty rates.
BUSY = 0.9
#: A vCPU of such a guest executes so much, instructions per second: those of the preset xeon.
VCPUS, _INSTRUCTIONS_PER_SECOND = 4, 2_800_000_000
_VISIT_ACCESSES, _MOST_PER_ACCESS = 10_000, 50_000
#: Rounds last many of these.
_TICK = "1 ms"
#: Bytes of the queue of an executed guest's link; one of a migration takes 100 ms, so that a slice leaves as a whole.
_LEAST_QUEUE, _QUEUE_S = 1_500_000, 0.1
#: The next larger links, bits per second.
_LINKS = (10**9, 10**10, 25 * 10**9, 40 * 10**9, 10**11, 4 * 10**11)


@dataclass(frozen=True, slots=True)
class Setting:
    """Another setting, by its keys, and how the migration goes with it."""

    name: str
    keys: Mapping[str, str]
    forecast: Forecast


@dataclass(frozen=True)
class Migration(ScenarioStudy, Plotted):
    """What came of a migration."""

    scenario: Scenario
    result: RunResult
    rounds: tuple[Round, ...]
    #: Other settings, the one that helps most first.
    settings: tuple[Setting, ...]
    #: Timeouts that the VM's stop is held against, by name, nanoseconds.
    against: Mapping[str, int]

    @property
    def converged(self) -> bool:
        """Whether the VM could be stopped within the downtime limit, and before the timeout."""
        return bool(self.result.values["migration.converged"])

    @property
    def downtime_ns(self) -> float | None:
        """Time for which the VM stood still, nanoseconds; None if it did not come so far."""
        return self.result.values["migration.downtime_ns"]

    def bears(self, name: str) -> bool | None:
        """Whether the timeout of this name is longer than the VM's stop; None if there was none."""
        return None if self.downtime_ns is None else self.downtime_ns < self.against[name]

    def _findings(self) -> dict[str, Any]:
        told = {name: value for name, value in self.result.values.items() if name.startswith("migration.")}
        return {
            "metrics": told,
            "rounds": [
                {
                    "round": each.number,
                    "started_ns": each.started_ns,
                    "duration_ns": each.duration_ns,
                    "modified_bytes": each.modified_bytes,
                    "sent_bytes": each.sent_bytes,
                    "bytes_per_second": each.bytes_per_second,
                }
                for each in self.rounds
            ],
            "settings": [
                {
                    "name": each.name,
                    "keys": dict(each.keys),
                    "converges": each.forecast.converges,
                    "total_ns": each.forecast.total_ns,
                    "downtime_ns": each.forecast.downtime_ns,
                }
                for each in self.settings
            ],
            "against": {
                name: {"timeout_ns": time_ns, "bears": self.bears(name)} for name, time_ns in self.against.items()
            },
        }


def migrate(
    scenario: Scenario | None = None,
    *,
    memory: int | None = None,
    in_use: int | None = None,
    dirty_rates: Sequence[str] = (),
    workload: Path | str | None = None,
    bandwidth: int | None = None,
    against: Mapping[str, int] | None = None,
    **migration: Any,
) -> Migration:
    """Run a live migration and say how other settings would do.

    The guest, its memory and the link are those of `scenario`, except what is given: `memory` and `in_use` in bytes;
    `dirty_rates` as in "80MB/s over 1s", or a file with a `workload` of hot sets; `bandwidth` in bits per second.
    `migration` has keys of `replication.migration` as a scenario has them. Raises InputError for what is missing or
    does not fit.
    """
    asked = _asked(scenario, memory, in_use, dirty_rates, workload, bandwidth, migration)
    found = run(asked, samples=0)
    return Migration(asked, found, rounds_of(found), tuple(_others(asked)), dict(against or {}))


def _asked(
    scenario: Scenario | None,
    memory: int | None,
    in_use: int | None,
    dirty_rates: Sequence[str],
    workload: Path | str | None,
    bandwidth: int | None,
    migration: Mapping[str, Any],
) -> Scenario:
    """Return the scenario that answers what is asked."""
    source: dict[str, Any] = {} if scenario is None else scenario.source
    vm = {"vcpus": VCPUS} | source.get("vm", {})
    vm |= {key: SIZE.format(size) for key, size in (("memory", memory), ("in_use", in_use)) if size is not None}
    if "memory" not in vm:
        raise ParameterError("memory", "is missing; say how much the VM has, as in 64GiB")
    vm["in_use"] = vm.get("in_use") or vm["memory"]
    link = {"latency": "20 us"} | source.get("link", {})
    link |= {} if bandwidth is None else {"bandwidth": BANDWIDTH.format(bandwidth)}
    if "bandwidth" not in link:
        raise ParameterError("bandwidth", "is missing; say what the link has, as in 10Gbit/s")
    rate = BANDWIDTH.read(link["bandwidth"])
    link["queue"] = SIZE.format(max(_LEAST_QUEUE, round(rate / 8 * _QUEUE_S)))
    data = {
        "name": "migration" if scenario is None else scenario.name,
        "seed": 1 if scenario is None else scenario.seed,
        "fidelity": "sampled",
        "duration": "1 s",
        "hosts": source.get("hosts", {"primary": {"preset": "xeon"}, "secondary": {"preset": "xeon"}}),
        "vm": vm,
        "workload": _workload(source, dirty_rates, workload, vm),
        "replication": {"protocol": "live-precopy", "precopy": {"lead": "1 s"}, "migration": dict(migration)},
        "link": link,
        "detection": {"kind": "hardware"},
        **({"hypervisor": source["hypervisor"]} if "hypervisor" in source else {}),
    }
    return _lasting(Scenario.from_document(Document(data["name"], data, {(): data["name"]}, {}), None))


def _workload(
    source: Mapping[str, Any], dirty_rates: Sequence[str], workload: Path | str | None, vm: Mapping[str, Any]
) -> Any:
    if dirty_rates and workload is not None:
        raise ParameterError("workload", "says what the dirty rates say; give one of them")
    if dirty_rates:
        return _of_rates(dirty_rates, int(SIZE.read(vm["in_use"])), vm["vcpus"])
    if workload is not None:
        return workload_document(document_of(Path(workload))).data
    told = source.get("workload", {})
    if told.get("kind") != "hot-sets":
        raise ParameterError(
            "dirty_rate",
            "is missing",
            remedy="say what the guest modifies, as in '80MB/s over 1s', or give {workload}",
        )
    return told


def _of_rates(dirty_rates: Sequence[str], in_use: int, vcpus: int) -> dict[str, Any]:
    """Return hot sets that modify memory at dirty rates, of a guest whose vCPUs are busy for most of the time."""
    told = dict(fit_rates([DirtyRate.parse(each) for each in dirty_rates], in_use).workload)
    sets = [dict(each) for each in told["sets"]]
    visits = HotSetsWorkload.model_validate({"kind": "hot-sets", "sets": sets}).sets
    instructions = BUSY * vcpus * _INSTRUCTIONS_PER_SECOND / sum(each.visits for each in visits)
    stores = min(_VISIT_ACCESSES, ceil(instructions / _MOST_PER_ACCESS))
    each_access = float(f"{min(_MOST_PER_ACCESS, max(0.01, instructions / stores)):.6g}")
    changed = [each | {"stores": float(stores)} for each in sets]
    return {"kind": "hot-sets", "tick": _TICK, "instructions_per_access": each_access, "sets": changed}


def _lasting(scenario: Scenario) -> Scenario:
    """Return a scenario that lasts until its migration is over, or will never be."""
    if not isinstance(scenario.workload, HotSetsWorkload):
        raise InputError("workload: a migration is computed for hot sets; fit them with `vmfailover trace fit`")
    expected = forecast(scenario)
    lasts_ns = expected.total_ns * 9 // 8 + 1_000_000_000 if expected.converges else longest_ns(scenario) + 100_000_000
    text = DURATION.format(-(-lasts_ns // 1_000_000) * 1_000_000)
    return scenario.with_(**{"duration": text, "replication.precopy.lead": text})


def _others(scenario: Scenario) -> list[Setting]:
    """Return other settings by what they make of a migration, the best first: one that converges, and soonest."""
    tried = [Setting(name, keys, forecast(scenario.with_(**keys))) for name, keys in _candidates(scenario).items()]
    return sorted(tried, key=lambda each: (not each.forecast.converges, each.forecast.total_ns))


def _candidates(scenario: Scenario) -> dict[str, dict[str, str]]:
    spec, link, at = migration_of(scenario), scenario.link.bandwidth, "replication.migration"
    longer = spec.downtime_limit * 4
    found = {f"a downtime limit of {duration(longer)}": {f"{at}.downtime_limit": DURATION.format(longer)}}
    larger = next((each for each in _LINKS if each > link), None)
    if spec.bandwidth_limit is not None:
        found["no limit of bandwidth"] = {f"{at}.bandwidth_limit": "none"}
    if spec.stream_bandwidth is not None:
        found[f"{4 * spec.channels} channels"] = {f"{at}.channels": str(4 * spec.channels)}
    if larger is not None:
        found[f"a link of {bit_rate(larger)}"] = {"link.bandwidth": BANDWIDTH.format(larger)}
    if not spec.auto_converge:
        found["auto-converge"] = {f"{at}.auto_converge": "true"}
    return found
