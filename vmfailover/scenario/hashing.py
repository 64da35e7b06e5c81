"""The hash of what a scenario says, which names it in baselines and in results."""

import hashlib
import json
from typing import Any

#: What the hash holds of keys that a scenario's kinds do not have: those that every scenario had when the first hashes
#: were taken, as they were by default. New keys do not belong here: only scenarios that have them hash them.
_ALWAYS: dict[str, dict[str, Any]] = {
    "replication": {
        "page_tracking": {
            "fault": "2 us",
            "buffer": 512,
            "exit": "5 us",
            "walk": "1 ns",
            "flush": "2 us",
            "page": "100 ns",
        },
        "undo_log": {"placement": "mirrored"},
        "output_compare": {
            "divergence": 0.01,
            "compare": "1 us",
            "longest_interval": "20 s",
            "hashing": False,
            "same": 0.77,
            "hash": "6300 ns",
            "hash_threads": 24,
            "compare_hashes": "145 ns",
        },
        "record_replay": {
            "rate": "1500 kbit/s",
            "per_received_byte": 1.21,
            "per_sent_byte": 0.05,
            "interval": "1 ms",
            "buffer": "1 MiB",
            "lag": "1 s",
            "slowdown": 0.0,
        },
    },
    "detection": {
        "delay": "1 ms",
        "phi": {"threshold": 8.0, "window": 200, "least_deviation": "1 ms", "pause": "0 ns"},
        "swim": {
            "members": 10,
            "period": "1 s",
            "probe_timeout": "100 ms",
            "indirect": 3.0,
            "suspicion": "0 ns",
            "dissemination": "0 ns",
        },
        "token": {
            "members": 2,
            "token": "3 s",
            "coefficient": "650 ms",
            "hold": None,
            "consensus": None,
            "join": "50 ms",
            "reform": "2 ms",
            "disagreement": 0.13,
        },
        "witness": {"interval": "10 ms", "timeout": "30 ms"},
    },
    "fencing": {"devices": "each", "failure_probability": 0.0, "attempts": 3, "lease": "15 ms"},
    "failures": {"share": 0.1, "factor": 10.0},
}

#: Keys that came later, as they are by default: the hash holds them only where they say something else.
_LATER: dict[str, Any] = {
    "fidelity": "executed",
    "vm": {"in_use": None},
    "workload": {
        "spread": None,
        "rate": None,
        "arrivals": "even",
        "together": 1,
        "sets": {"within": "4 KiB", "stride": "4 KiB"},
    },
    "replication": {
        "acknowledge": "staged",
        "next_checkpoint": "sent",
        "migration": None,
        "page_tracking": {"found_by": "faults", "fetch": "10 ns", "evicted_by": None, "range": "0 ns"},
    },
    "hypervisor": {"wake_up": "0 ns"},
    "fencing": {"spread": "0 ns", "heal": "none"},
    "link": {"shaper": None},
    "quorum": {"kind": "none", "vote": "10 ms", "response": "none", "delay": "0 ns", "shut_down": "0 ns"},
    "failover": {
        step: {"distribution": "constant", "mean": "0 ns", "spread": "0 ns"} for step in ("election", "promotion")
    },
    "clients": {"stores": "0 B"},
}


def hash_of(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a scenario's content as it is dumped to JSON."""
    completed = {key: _completed(value, _ALWAYS.get(key, {})) for key, value in _told(content, _LATER).items()}
    text = json.dumps(completed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _told(content: Any, later: dict[str, Any]) -> Any:
    """Return the content, or each of several, without keys that say of themselves what is said by default."""
    if isinstance(content, list):
        return [_told(each, later) for each in content]
    if not isinstance(content, dict):
        return content
    kept = {key: value for key, value in content.items() if key not in later or value != later[key]}
    nested = {key for key in kept if isinstance(later.get(key), dict)}
    return {key: _told(value, later[key]) if key in nested else value for key, value in kept.items()}


def _completed(section: Any, always: dict[str, Any]) -> Any:
    if isinstance(section, list):
        return [_completed(item, always) for item in section]
    return {**always, **section} if always else section
