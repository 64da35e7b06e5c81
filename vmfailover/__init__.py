"""vmfailover: what a virtual machine's failover costs, simulated on a laptop.

>>> import vmfailover as vf
>>> result = vf.run(vf.load("scenarios/quickstart.yaml"))  # doctest: +SKIP
>>> result.metrics["failover.latency_ns"]  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vmfailover import display

if TYPE_CHECKING:
    from vmfailover.cluster.observer import Observer
    from vmfailover.errors import InputError
    from vmfailover.results.reading import read
    from vmfailover.results.run_result import RunResult
    from vmfailover.scenario import Scenario, ScenarioError, load
    from vmfailover.simulation import Simulation, run
    from vmfailover.studies.availability import Availability, availability
    from vmfailover.studies.baseline import read_baseline
    from vmfailover.studies.comparison import Comparison, compare
    from vmfailover.studies.exploration import Exploration, explore
    from vmfailover.studies.migration import Migration, migrate
    from vmfailover.studies.regression import Check, check
    from vmfailover.studies.replication import Replications, replicate
    from vmfailover.studies.sensitivity import Sensitivity, sensitivity
    from vmfailover.studies.sweep import Sweep, sweep
    from vmfailover.studies.tuning import Tuning, tune
    from vmfailover.traces.format import TraceError

__all__ = [
    "Availability",
    "Check",
    "Comparison",
    "Exploration",
    "InputError",
    "Migration",
    "Observer",
    "Replications",
    "RunResult",
    "Scenario",
    "ScenarioError",
    "Sensitivity",
    "Simulation",
    "Sweep",
    "TraceError",
    "Tuning",
    "availability",
    "check",
    "compare",
    "explore",
    "load",
    "migrate",
    "read",
    "read_baseline",
    "replicate",
    "run",
    "sensitivity",
    "sweep",
    "tune",
]

_HOMES = {
    "Check": "vmfailover.studies.regression",
    "check": "vmfailover.studies.regression",
    "Availability": "vmfailover.studies.availability",
    "availability": "vmfailover.studies.availability",
    "Comparison": "vmfailover.studies.comparison",
    "compare": "vmfailover.studies.comparison",
    "Exploration": "vmfailover.studies.exploration",
    "explore": "vmfailover.studies.exploration",
    "InputError": "vmfailover.errors",
    "Migration": "vmfailover.studies.migration",
    "migrate": "vmfailover.studies.migration",
    "Replications": "vmfailover.studies.replication",
    "replicate": "vmfailover.studies.replication",
    "read": "vmfailover.results.reading",
    "read_baseline": "vmfailover.studies.baseline",
    "RunResult": "vmfailover.results.run_result",
    "Scenario": "vmfailover.scenario",
    "ScenarioError": "vmfailover.scenario",
    "TraceError": "vmfailover.traces.format",
    "Sensitivity": "vmfailover.studies.sensitivity",
    "sensitivity": "vmfailover.studies.sensitivity",
    "Tuning": "vmfailover.studies.tuning",
    "tune": "vmfailover.studies.tuning",
    "Sweep": "vmfailover.studies.sweep",
    "sweep": "vmfailover.studies.sweep",
    "load": "vmfailover.scenario",
    "Observer": "vmfailover.cluster.observer",
    "run": "vmfailover.simulation",
    "Simulation": "vmfailover.simulation",
}


display.use(lambda: import_module("vmfailover.report.showing"))


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import vmfailover` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
