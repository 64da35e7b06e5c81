"""Runs of every kind of outcome."""

from functools import cache

from scenarios_for_tests import small

from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

OUTCOMES: dict[str, Scenario] = {
    "failover": small(),
    "early failure": small(**{"failures.0.at": "300 us"}),
    "late failure": small(**{"failures.0.at": "11900 us"}),
    "unfinished failover": small(**{"failures.0.at": "10 ms", "hypervisor.restore": "5 ms"}),
    "failure without clients": small("no-clients"),
    "failure that never came": small(
        failures=[{"at_phase": "mid-scan", "epoch": 9999, "kind": "host-crash", "target": "primary"}]
    ),
    "no failure": small("no-failure"),
    "no failure, no clients": small("no-failure", clients=None),
    "no checkpoint": small("no-failure", **{"replication.checkpoint_interval": "12 ms"}),
    "false alarm": small("no-failure", **{"link.bandwidth": "20 Mbit/s"}),
    "false alarm without fencing": small("no-fencing", **{"failures": [], "link.bandwidth": "20 Mbit/s"}),
    "broken": small(**{"replication.hypervisor_writes": "missed"}),
    "stalled": small("log-stall-least"),
    "forced checkpoints": small("log-checkpoint"),
    "slow link": small("slow-link"),
    "no streaming": small("no-streaming"),
    "several vCPUs": small("three-vcpus-log"),
    "evacuation": small("live-precopy"),
    "outputs compared": small("output-compare"),
    "long name": small(name="a very long name " * 11 + "$\\foo$"),
}
INTERRUPTED = "interrupted"
#: Outcomes that quick tests draw: those whose pictures differ most.
QUICK_OUTCOMES = (
    "failover",
    "early failure",
    "unfinished failover",
    "no failure",
    "stalled",
    "false alarm",
    INTERRUPTED,
)


@cache
def outcome(name: str) -> RunResult:
    """Return what came of a run, which is made once."""
    if name == INTERRUPTED:
        return run(small(), progress=_interrupt)
    return run(OUTCOMES[name])


def _interrupt(time_ns: int) -> None:
    if time_ns > 4_000_000:
        raise KeyboardInterrupt
