"""Scenarios small enough to run in a fraction of a second, one for each way in which a run can differ."""

from typing import Any

from vmfailover.scenario import Scenario
from vmfailover.scenario.replication import Replication

#: Caches of a few rows, so that every path through them is taken within a few thousand accesses.
TINY_HOST: dict[str, Any] = {
    "preset": "power8",
    "l1": {"size": "1 KiB", "ways": 2},
    "l2": {"size": "8 KiB", "ways": 4},
    "l3": {"size": "16 KiB", "ways": 4},
}
#: Caches that lines stay in for most of an epoch.
SMALL_HOST: dict[str, Any] = {"preset": "power8", "l2": {"size": "64 KiB"}, "l3": {"size": "256 KiB"}}

BASE: dict[str, Any] = {
    "name": "base",
    "seed": 7,
    "duration": "12 ms",
    "hosts": {"primary": SMALL_HOST, "secondary": SMALL_HOST},
    "vm": {"vcpus": 1, "memory": "2 MiB"},
    "workload": {"kind": "zipf", "working_set": "1 MiB", "store_fraction": "30 %", "instructions_per_access": 30.0},
    "replication": {
        "protocol": "cacheline-flags",
        "checkpoint_interval": "1 ms",
        "scan_interval": "150 us",
        "log": {"size": "64 KiB", "when_full": "drain"},
        "batch": 64,
    },
    "link": {"bandwidth": "10 Gbit/s", "latency": "20 us", "retransmission_timeout": "200 us"},
    "detection": {"kind": "heartbeat", "interval": "500 us", "timeout": "1500 us"},
    "fencing": {"kind": "stonith", "delay": "300 us"},
    "hypervisor": {"restore": "100 us", "redirect": "100 us"},
    "failures": [{"at": "6300 us", "kind": "host-crash", "target": "primary"}],
    "clients": {"kind": "open", "rate": "20000 /s", "service": "5 us", "retry": "1 ms"},
}

TINY_HOSTS = {"hosts": {"primary": TINY_HOST, "secondary": TINY_HOST}}
SHARED: dict[str, Any] = {"kind": "zipf", "working_set": "256 KiB", "instructions_per_access": 30.0}
THREE_SHARING = {"vm": {"vcpus": 3, "memory": "1 MiB"}, "workload": SHARED}
NEAR = {"link": {"latency": "2 us"}}

#: What each variant has different from `BASE`.
VARIANTS: dict[str, dict[str, Any]] = {
    "base": {},
    "no-streaming": {"replication": {"scan_interval": None}},
    "helper-thread": {"replication": {"copier": "helper-thread"}},
    "other-host": {"replication": {"copier": "other-host", "batch": 512}, **NEAR},
    "other-host-no-streaming": {"replication": {"copier": "other-host", "batch": 512, "scan_interval": None}, **NEAR},
    "roomy-log": {"replication": {"log": {"size": "1 MiB"}}},
    "log-drain": {
        "replication": {"log": {"size": "10 KiB", "when_full": "drain"}, "scan_interval": None},
        **TINY_HOSTS,
    },
    "log-drain-streaming": {"replication": {"log": {"size": "4 KiB", "when_full": "drain"}}, **TINY_HOSTS},
    "log-checkpoint": {
        "replication": {"log": {"size": "10 KiB", "when_full": "checkpoint"}, "scan_interval": None},
        **TINY_HOSTS,
    },
    "log-checkpoint-streaming": {"replication": {"log": {"size": "9 KiB", "when_full": "checkpoint"}}, **TINY_HOSTS},
    "log-stall": {"replication": {"log": {"size": "4 KiB", "when_full": "stall"}, "scan_interval": None}, **TINY_HOSTS},
    "log-stall-least": {"replication": {"log": {"size": "384 B", "when_full": "stall"}}, **TINY_HOSTS},
    "tiny-caches": TINY_HOSTS,
    "two-vcpus": {"vm": {"vcpus": 2, "memory": "1 MiB"}, "workload": SHARED},
    "three-vcpus-log": {**THREE_SHARING, **TINY_HOSTS},
    "three-vcpus-carry": {"replication": {"transfer": "carry"}, **THREE_SHARING, **TINY_HOSTS},
    "three-vcpus-drain": {
        "replication": {"log": {"size": "10 KiB", "when_full": "drain"}},
        **THREE_SHARING,
        **TINY_HOSTS,
    },
    "slow-link": {"link": {"bandwidth": "5 Gbit/s", "latency": "100 us"}},
    "lossy-link": {"link": {"loss": "2 %", "retransmission_timeout": "50 us"}},
    "small-queue": {"link": {"queue": "7 KiB"}, "detection": {"timeout": "3 ms"}},
    "no-fencing": {"fencing": {"kind": "none", "delay": "0 us"}},
    "no-clients": {"clients": None},
    "no-failure": {"failures": []},
    "sequential": {"workload": {"kind": "sequential", "working_set": "1 MiB", "instructions_per_access": 20.0}},
    "pointer-chase": {"workload": {"kind": "pointer-chase", "working_set": "512 KiB", "instructions_per_access": 20.0}},
    "hot-sets": {
        "workload": {
            "kind": "hot-sets",
            "fluctuation": {"variation": "40 %", "correlation": "1 ms"},
            "sets": [
                {"kind": "random", "memory": "256 KiB", "visits": "400000 /s", "loads": 1.5},
                {"kind": "stream", "memory": "1 MiB", "visits": "8000 /s", "burst": "4 KiB"},
                {"kind": "periodic", "memory": "64 KiB", "visits": "20000 /s", "burst": "192 B", "period": "1 ms"},
            ],
        },
    },
    "mix": {
        "workload": {
            "kind": "mix",
            "phases": [
                {"kind": "zipf", "working_set": "512 KiB", "accesses": 20_000},
                {"kind": "idle", "accesses": 5},
                {"kind": "sequential", "working_set": "256 KiB", "accesses": 9_000},
            ],
        }
    },
}

MULTICORE: dict[str, Any] = {"vm": {"vcpus": 3, "memory": "1 MiB"}, "workload": SHARED, **TINY_HOSTS}

#: Each protocol but the first in two ways: what each has different from `BASE`.
PROTOCOL_VARIANTS: dict[str, dict[str, Any]] = {
    "cacheline-transfer": {},
    "cacheline-transfer-cores": {**MULTICORE, "replication": {"log": {"size": "10 KiB", "when_full": "drain"}}},
    "page-write-protect": {},
    "page-write-protect-large": {
        "replication": {"granularity": "16 KiB", "compression": {"cache": "256 KiB"}, "copier": "helper-thread"}
    },
    "page-modification-log": {"replication": {"page_tracking": {"buffer": 8}}},
    "page-modification-log-cores": {**MULTICORE, "replication": {"page_tracking": {"buffer": 3}}},
    "page-dirty-bits": {},
    "page-dirty-bits-cores": {**MULTICORE, "link": {"loss": "1 %", "retransmission_timeout": "50 us"}},
    "undo-log": {**TINY_HOSTS, "replication": {"log": {"size": "10 KiB", "when_full": "drain"}}},
    "undo-log-local": {"replication": {"undo_log": {"placement": "local"}}},
    "output-compare": {"replication": {"output_compare": {"divergence": "20 %"}}},
    "output-compare-hashing": {
        "replication": {"output_compare": {"divergence": "20 %", "hashing": True, "longest_interval": "700 us"}},
        **MULTICORE,
    },
    "record-replay": {"replication": {"record_replay": {"interval": "100 us"}}},
    "record-replay-behind": {"replication": {"record_replay": {"slowdown": "50 %", "lag": "300 us"}}},
    "live-precopy": {"replication": {"precopy": {"lead": "4 ms", "least": 30, "rounds": 3}}},
    "live-precopy-rounds": {
        "replication": {"precopy": {"lead": "5 ms", "least": 1, "rounds": 4}},
        "workload": {"kind": "uniform", "working_set": "512 KiB", "instructions_per_access": 30.0},
    },
    "cold-restart": {"replication": {"restart": {"boot": "400 us"}}},
    "cold-restart-restore": {"replication": {"restart": {"kind": "restore", "storage": "10 GB/s"}}},
}
#: The protocol of each of these variants.
PROTOCOL_OF = {
    variant: next(name for name in Replication.kinds if variant.startswith(name)) for variant in PROTOCOL_VARIANTS
}
for variant, protocol in PROTOCOL_OF.items():
    replication = PROTOCOL_VARIANTS[variant].get("replication", {})
    PROTOCOL_VARIANTS[variant] = {**PROTOCOL_VARIANTS[variant], "replication": {**replication, "protocol": protocol}}


def merged(base: Any, changes: Any) -> Any:
    """Return nested mappings with other values in some places; a workload is replaced whole."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    result = dict(base)
    for key, value in changes.items():
        result[key] = value if key in ("workload", "primary", "secondary") else merged(base.get(key), value)
    return result


def small(variant: str = "base", **overrides: object) -> Scenario:
    """Return a variant, with further keys overridden as by `Scenario.with_`."""
    scenario = Scenario.model_validate(merged(BASE, {"name": variant, **(VARIANTS | PROTOCOL_VARIANTS)[variant]}))
    return scenario.with_(**overrides) if overrides else scenario


def minute(variant: str = "base", **overrides: object) -> Scenario:
    """Return a variant that lasts a few hundred microseconds, for runs that execute access by access."""
    times = {
        "duration": "900 us",
        "replication.checkpoint_interval": "100 us",
        "hypervisor.restore": "20 us",
        "hypervisor.redirect": "20 us",
        "hypervisor.quiesce": "5 us",
        "detection.interval": "50 us",
        "detection.timeout": "150 us",
        "fencing.delay": "0 us" if variant == "no-fencing" else "30 us",
        "workload": {"kind": "zipf", "working_set": "64 KiB", "instructions_per_access": 20.0},
    }
    spec = (VARIANTS | PROTOCOL_VARIANTS)[variant]
    if spec.get("replication", {}).get("scan_interval", "set") is not None:
        times["replication.scan_interval"] = "30 us"
    if spec.get("failures") != []:
        times["failures.0.at"] = "430 us"
    if "workload" in spec and "vm" not in spec:
        del times["workload"]
    return small(variant, **{**times, **overrides})


def brief(variant: str = "base", **overrides: object) -> Scenario:
    """Return a variant without failure that takes half as long, for runs by the thousand."""
    times = {
        "duration": "4200 us",
        "replication.checkpoint_interval": "400 us",
        "detection.interval": "100 us",
        "detection.timeout": "350 us",
        "fencing.delay": "100 us",
        "failures": [],
    }
    return small(variant, **{**times, **overrides})
