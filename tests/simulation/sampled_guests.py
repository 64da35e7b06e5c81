"""A guest of hot sets, for either fidelity."""

from typing import Any

from vmfailover.scenario import Scenario

#: Each protocol with what it needs to do something within a few hundred milliseconds.
PROTOCOLS: dict[str, dict[str, Any]] = {
    "cacheline-flags": {"checkpoint_interval": "5 ms", "scan_interval": "1 ms", "log": {"size": "4 MiB"}},
    "cacheline-transfer": {"checkpoint_interval": "5 ms", "scan_interval": "1 ms", "log": {"size": "4 MiB"}},
    "page-write-protect": {"checkpoint_interval": "10 ms"},
    "page-modification-log": {"checkpoint_interval": "10 ms"},
    "page-dirty-bits": {"checkpoint_interval": "10 ms"},
    "undo-log": {"checkpoint_interval": "5 ms", "log": {"size": "4 MiB"}},
    "output-compare": {"output_compare": {"divergence": "5 %"}},
    "record-replay": {},
    "live-precopy": {"precopy": {"lead": "50 ms"}},
    "cold-restart": {"restart": {"kind": "restore", "storage": "10 GB/s"}},
}
SETS: list[dict[str, Any]] = [
    {"kind": "random", "memory": "16 MiB", "visits": "100000 /s", "burst": "256 B", "stores": 2, "loads": 2},
    {"kind": "random", "memory": "512 KiB", "visits": "200000 /s", "loads": 1},
    {"kind": "stream", "memory": "32 MiB", "visits": "5000 /s", "burst": "4 KiB"},
    {"kind": "periodic", "memory": "64 KiB", "visits": "4400 /s", "period": "1 ms"},
]


def sampled(protocol: str = "page-write-protect", **keys: Any) -> Scenario:
    """Return a scenario of a sampled guest that loses its host after 63 ms of 120 ms."""
    return Scenario.model_validate(
        {
            "name": f"sampled {protocol}",
            "fidelity": "sampled",
            "duration": "120 ms",
            "extend": "until-takeover",
            "hosts": {"primary": {"preset": "power8"}, "secondary": {"preset": "power8"}},
            "vm": {"vcpus": 1 if protocol == "record-replay" else 2, "memory": "128 MiB"},
            "workload": {"kind": "hot-sets", "sets": SETS},
            "replication": {"protocol": protocol, **PROTOCOLS[protocol]},
            "link": {"bandwidth": "10 Gbit/s", "latency": "20 us"},
            "detection": {"kind": "heartbeat", "interval": "5 ms", "timeout": "15 ms"},
            "fencing": {"kind": "stonith", "delay": "5 ms"},
            "clients": {"kind": "open", "rate": "2000 /s"},
            "failures": [{"at": "63 ms", "kind": "host-crash", "target": "primary"}],
            **keys,
        }
    )
