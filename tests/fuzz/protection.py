"""How the VM is protected, and protected again."""

from collections.abc import Callable
from typing import Any

from vmfailover.scenario.replication import Replication
from vmfailover.scenario.units import BANDWIDTH, BYTE_RATE, SIZE

from .draws import Draws
from .machines import MIB, Spec

#: Protocols that find modified pages, which cost what `page_tracking` says.
_PAGES = ("page-write-protect", "page-modification-log", "page-dirty-bits", "output-compare")


def replication(draws: Draws, protocol: str, duration: int, line: int, least_log: Callable[[str], int]) -> Spec:
    """Return how a VM is protected; `least_log` tells the bytes of the smallest log by what happens when it is full."""
    spec: Spec = {"protocol": protocol}
    most = duration if draws.chance("seldom", 0.1) else duration // 6 + 1
    interval = draws.whole("checkpoint_interval", duration // 40 + 1, most)
    if draws.chance("hasty", 0.04):
        interval = draws.whole("hasty interval", 1, duration // 100 + 1)
    spec["checkpoint_interval"] = f"{interval} ns"
    finest = max(interval // 15, duration // 500, 1)
    if finest < interval and draws.chance("scans", 0.5):
        spec["scan_interval"] = draws.time("scan_interval", finest, interval - 1)
    granularity = _granularity(draws, protocol, line)
    if granularity is not None:
        spec["granularity"] = SIZE.format(granularity)
    if draws.chance("log there", 0.7):
        spec["log"] = _log(draws.under("log"), least_log)
    spec.update(_switches(draws))
    if protocol in _PAGES and draws.chance("page_tracking there", 0.5):
        spec["page_tracking"] = _page_tracking(draws.under("page_tracking"))
    section = protocol.replace("-", "_").replace("live_", "").replace("cold_", "")
    if section in _SECTIONS and draws.chance(f"{section} there", 0.85):
        spec[section] = _SECTIONS[section](draws.under(section), duration)
    if protocol == "live-precopy" and draws.chance("migration there", 0.5):
        spec["migration"] = _migration(draws.under("migration"), duration)
    return spec


def _switches(draws: Draws) -> Spec:
    """Return what says something under several protocols, and nothing under the others."""
    spec: Spec = {}
    if draws.chance("copier there", 0.6):
        spec["copier"] = draws.pick("copier", ["vm-core", "helper-thread", "other-host"])
    if draws.chance("transfer there", 0.4):
        spec["transfer"] = draws.pick("transfer", ["log", "carry"])
    if draws.chance("misses", 0.05):
        spec["hypervisor_writes"] = "missed"
    if draws.chance("batch there", 0.5):
        spec["batch"] = draws.whole("batch", 1, 10**6)
    if draws.chance("acknowledge there", 0.2):
        spec["acknowledge"] = draws.pick("acknowledge", ["staged", "applied"])
    if draws.chance("next_checkpoint there", 0.2):
        spec["next_checkpoint"] = draws.pick("next_checkpoint", ["sent", "acknowledged"])
    if draws.chance("compressed", 0.3):
        spec["compression"] = {
            "ratio": draws.number("ratio", 1.0, 100.0),
            "speed": BYTE_RATE.format(draws.whole("speed", 10**7, 10**11)),
            "cache": draws.size("cache", 0, 32 * MIB),
        }
    return spec


def _granularity(draws: Draws, protocol: str, line: int) -> int | None:
    entry = Replication.kinds[protocol]
    if entry.keeps_undo or not draws.chance("granularity there", 0.35):
        return None
    least = max(line, entry.least_granularity)
    return least << draws.whole("coarser", 0, 11 if draws.chance("coarse", 0.2) else 4)


def _log(draws: Draws, least_log: Callable[[str], int]) -> Spec:
    when_full = draws.pick("when_full", ["drain", "checkpoint", "stall"])
    least = least_log(when_full)
    return {"size": SIZE.format(least + draws.whole("more", 0, MIB)), "when_full": when_full}


def _page_tracking(draws: Draws) -> Spec:
    costs = {"fault": 20_000, "exit": 20_000, "walk": 100, "flush": 20_000, "page": 2000}
    spec: Spec = {name: draws.time(name, 0, most) for name, most in costs.items() if draws.chance(f"{name} there", 0.6)}
    if draws.chance("buffer there", 0.6):
        spec["buffer"] = draws.whole("buffer", 1, 1000)
    if draws.chance("walked", 0.3):
        spec |= {"found_by": draws.pick("found_by", ["faults", "walk"]), "range": draws.time("range", 0, 2000)}
        spec |= {"fetch": draws.time("fetch", 0, 100), "evicted_by": draws.size("evicted_by", 1, MIB)}
    return spec


def _undo_log(draws: Draws, duration: int) -> Spec:
    del duration
    return {"placement": draws.pick("placement", ["mirrored", "local"])}


def _output_compare(draws: Draws, duration: int) -> Spec:
    spec: Spec = {
        "divergence": f"{draws.pick('divergence', [0, 1, 20, 100])} %",
        "longest_interval": draws.time("longest_interval", duration / 30, 2 * duration),
        "hashing": draws.chance("hashing", 0.5),
    }
    if draws.chance("compare there", 0.5):
        spec["compare"] = draws.time("compare", 0, duration / 50)
    if spec["hashing"]:
        spec["same"] = f"{draws.pick('same', [0, 50, 77, 100])} %"
        spec["hash"] = draws.time("hash", 0, 20_000)
        spec["hash_threads"] = draws.whole("hash_threads", 1, 64)
        spec["compare_hashes"] = draws.time("compare_hashes", 0, 1000)
    return spec


def _record_replay(draws: Draws, duration: int) -> Spec:
    return {
        "rate": BANDWIDTH.format(draws.whole("rate", 0, 10**9)),
        "per_received_byte": draws.pick("per_received_byte", [0.0, 1.0, 1.21, 10.0]),
        "per_sent_byte": draws.pick("per_sent_byte", [0.0, 0.05, 1.0, 10.0]),
        "interval": draws.time("interval", duration / 300, duration),
        "buffer": draws.size("buffer", 1, MIB),
        "lag": draws.time("lag", duration / 300 if draws.chance("strict", 0.5) else duration, 3 * duration),
        "slowdown": f"{draws.pick('slowdown', [0, 3, 50, 100])} %",
    }


def _precopy(draws: Draws, duration: int) -> Spec:
    return {
        "lead": draws.time("lead", 0, 2 * duration if draws.chance("early", 0.2) else duration / 3),
        "rounds": draws.whole("rounds", 1, 50),
        "least": draws.whole("least", 1, 1000),
        "most": draws.number("most", 1.0, 20.0),
    }


def _migration(draws: Draws, duration: int) -> Spec:
    spec: Spec = {"downtime_limit": draws.time("downtime_limit", 1, duration)}
    spec["channels"] = draws.whole("channels", 1, 8)
    for name in ("bandwidth_limit", "stream_bandwidth"):
        if draws.chance(f"{name} there", 0.4):
            spec[name] = BANDWIDTH.format(draws.whole(name, 10**8, 10**11))
    if draws.chance("timeout there", 0.4):
        spec["timeout"] = draws.time("timeout", 1, duration)
    if draws.chance("auto_converge there", 0.4):
        spec["auto_converge"] = draws.chance("auto_converge", 0.8)
    return spec


def _restart(draws: Draws, duration: int) -> Spec:
    return {
        "kind": draws.pick("kind", ["boot", "restore"]),
        "boot": draws.time("boot", 0, 2 * duration if draws.chance("slow", 0.2) else duration / 5),
        "storage": BYTE_RATE.format(draws.whole("storage", 10**8, 10**13)),
    }


_SECTIONS: dict[str, Callable[[Draws, int], dict[str, Any]]] = {
    "undo_log": _undo_log,
    "output_compare": _output_compare,
    "record_replay": _record_replay,
    "precopy": _precopy,
    "restart": _restart,
}


def reprotection(draws: Draws, protocol: str, fencing: Spec, duration: int) -> Spec | None:
    """Return where a VM finds a second host again; None if nowhere."""
    entry = Replication.kinds[protocol]
    if not entry.reprotects or fencing.get("kind") == "none" or not draws.chance("there", 0.4):
        return None
    spec: Spec = {}
    spares, repair = draws.pick("by", [(True, False), (False, True), (True, True)])
    if spares:
        spec["spares"] = draws.whole("spares", 1, 3)
    if repair:
        spec["repair"] = draws.time("repair", 0, duration / (1 if draws.chance("slow", 0.1) else 10))
    if draws.chance("delay there", 0.4):
        spec["delay"] = draws.time("delay", 0, duration / 20)
    if entry.fails_back and draws.chance("fails back", 0.7):
        spec["failback"] = draws.time("failback", 0, duration / 10)
    return spec
