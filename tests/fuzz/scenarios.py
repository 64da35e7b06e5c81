"""Legal scenarios of a few simulated milliseconds, each made from a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vmfailover.scenario import Scenario
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.units import SIZE

from . import machines, mishaps, protection
from .draws import Draws
from .machines import Spec
from .traces import FOLDER

#: How often what is refused is drawn again.
ATTEMPTS = 50
#: Accesses that a run executes at most, all vCPUs together; nearly what it costs.
MOST_ACCESSES = 2_000_000
#: Shortest and longest run, nanoseconds.
SHORTEST, LONGEST = 20_000, 8_000_000
_LOG_ENTRY = 8


@dataclass(frozen=True)
class Drawn:
    """A scenario, and how it would be written."""

    data: Mapping[str, Any]
    scenario: Scenario
    #: Why those that were drawn before it were refused.
    refused: tuple[str, ...] = ()


def drawn(seed: int) -> Drawn:
    """Return the legal scenario of a number; raise RuntimeError if none is found."""
    refused: list[str] = []
    for attempt in range(ATTEMPTS):
        data = _data(Draws(f"{seed}.{attempt}"), seed)
        try:
            return Drawn(data, built(data), tuple(refused))
        except ValidationError as error:
            refused.append(str(error))
    raise RuntimeError(f"seed {seed}: {ATTEMPTS} scenarios were refused, the last one since {refused[-1]}")


def built(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario that is written so; raise ValidationError if it is not legal."""
    return Scenario.model_validate(dict(data), context={"folder": FOLDER})


def _data(draws: Draws, seed: int) -> Spec:
    protocol = draws.pick("protocol", list(Replication.kinds))
    vcpus = 1 if Replication.kinds[protocol].most_vcpus == 1 else draws.weighted("vcpus", {1: 60, 2: 25, 3: 15})
    line = draws.weighted("line", {64: 30, 128: 55, 256: 8, 1024: 4, 4096: 3})
    hosts = {name: machines.host(draws.under(name), line, vcpus) for name in ("primary", "secondary")}
    memory = machines.memory_bytes(draws.under("vm"), line)
    workload = machines.workload(draws.under("workload"), memory, vcpus)
    duration = _duration(draws, machines.accesses_per_ns(workload, hosts, vcpus))
    clients = machines.clients(draws.under("clients"), memory, line, duration)

    def least_log(when_full: str) -> int:
        rows = max(map(machines.flagged_rows, hosts.values())) if when_full != "stall" else 0
        request = SIZE.read(clients.get("request", "1 KiB")) if clients else 0
        stores = SIZE.read(clients.get("stores", "0 B")) if clients else 0
        entries = vcpus * (rows + 1) + 2 * (-(-int(request) // line) + -(-int(stores) // line))
        return line * (1 + -(-entries * _LOG_ENTRY // line))

    fencing = mishaps.fencing(draws.under("fencing"), duration)
    reprotection = protection.reprotection(draws.under("reprotection"), protocol, fencing, duration)
    parts: Spec = {
        "replication": protection.replication(draws.under("replication"), protocol, duration, line, least_log),
        "hypervisor": machines.hypervisor(draws.under("hypervisor"), duration),
        "link": machines.link(draws.under("link"), duration),
        "detection": mishaps.detection(draws.under("detection"), duration),
        "fencing": fencing,
        "quorum": mishaps.quorum(draws.under("quorum"), duration, needed=fencing["kind"] == "watchdog"),
        "reprotection": reprotection,
        "failures": mishaps.failures(
            draws.under("failures"),
            duration,
            (reprotection or {}).get("spares", 0),
            repaired="repair" in (reprotection or {}),
        ),
        "clients": clients,
    }
    return {
        "name": f"seed-{seed}",
        "seed": draws.whole("seed", 0, 2**63 - 1) if draws.chance("large seed", 0.1) else seed,
        "duration": f"{duration} ns",
        **({"fidelity": "sampled"} if workload.get("kind") == "hot-sets" and draws.chance("sampled", 0.4) else {}),
        **({"extend": "until-takeover"} if _is_short(parts) and draws.chance("extended", 0.06) else {}),
        **({"warm_up": draws.time("warm_up", 0, duration - 1)} if draws.chance("warms up", 0.25) else {}),
        "hosts": hosts,
        "vm": {"vcpus": vcpus, "memory": SIZE.format(memory), **_in_use(draws, memory)},
        "workload": workload,
        **{name: part for name, part in parts.items() if part},
    }


def _in_use(draws: Draws, memory: int) -> Spec:
    return {"in_use": SIZE.format(draws.whole("in_use", 1, memory))} if draws.chance("partly used", 0.1) else {}


def _is_short(parts: Spec) -> bool:
    """Say whether a takeover comes within milliseconds, whatever happens: no default of seconds is waited for."""
    detection, replication = parts["detection"], parts["replication"]
    boots = replication["protocol"] == "cold-restart" and "restart" not in replication
    return detection is not None and "preset" not in detection and not boots


def _duration(draws: Draws, accesses_per_ns: float) -> int:
    most = min(LONGEST, MOST_ACCESSES / accesses_per_ns)
    return draws.whole("duration", int(max(SHORTEST, most / 4)), int(max(SHORTEST, most)))
