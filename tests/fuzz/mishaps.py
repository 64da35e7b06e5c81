"""What goes wrong, how it is noticed, and what makes a takeover safe."""

from collections.abc import Iterator

from vmfailover.records.planes import Plane
from vmfailover.scenario.detection import DETECTION_PRESETS
from vmfailover.scenario.failover import Failure
from vmfailover.scenario.units import DURATION

from .draws import Draws
from .machines import Spec

EPOCH_PHASES = ("mid-scan", "mid-harvest", "mid-transfer", "after-staging", "between-commit-and-ack")
STEPS = ("failure", "detection", "fencing", "takeover", "synchronisation", "re-protection", "failback")
KINDS = {
    "host-crash": 40,
    "power-loss": 6,
    "vm-crash": 8,
    "memory-error": 6,
    "hypervisor-hang": 10,
    "slow-host": 8,
    "network-loss": 12,
    "isolation": 6,
    "all-paths-down": 6,
    "storage-loss": 4,
    "link-cut": 10,
    "link-loss": 6,
    "link-slow": 6,
}
#: Keys of a fault that say what it strikes and at what point.
_WHAT_AND_WHEN = ("kind", "target", "at", "at_phase", "epoch", "at_random")


def detection(draws: Draws, duration: int) -> Spec | None:
    """Return how a failure is noticed; None for what is assumed."""
    if draws.chance("assumed", 0.03):
        return None
    if draws.chance("preset there", 0.04):
        return {"preset": draws.pick("preset", DETECTION_PRESETS)}
    kind = draws.pick("kind", ["heartbeat", "heartbeat", "phi-accrual", "swim", "token", "hardware", "witness"])
    spec: Spec = {"kind": kind}
    interval = draws.whole("interval", duration // 300 + 1, duration // (4 if draws.chance("slow", 0.1) else 25) + 1)
    spec["interval"] = f"{interval} ns"
    if kind in ("heartbeat", "witness"):
        tight = draws.chance("tight", 0.2)
        timeout = interval + 1 if tight else draws.whole("timeout", interval + 1, 5 * interval)
        spec["timeout"] = f"{timeout} ns"
    if draws.chance("message there", 0.2):
        spec["message"] = draws.size("message", 1, 9000)
    if draws.chance("confirmation there", 0.2):
        spec["confirmation"] = draws.time("confirmation", 0, duration / 10)
    if kind == "hardware":
        spec["delay"] = draws.time("delay", 0, duration / 15)
    section = {"phi-accrual": "phi"}.get(kind, kind)
    if section in _SECTIONS:
        spec[section] = _SECTIONS[section](draws.under(section), duration, interval)
    return spec


def _phi(draws: Draws, duration: int, interval: int) -> Spec:
    del duration
    return {
        "threshold": draws.pick("threshold", [0.1, 1.0, 3.0, 8.0, 16.0, 300.0]),
        "window": draws.whole("window", 2, 200),
        "least_deviation": draws.time("least_deviation", 0, interval),
        "pause": draws.time("pause", 0, 3 * interval),
    }


def _swim(draws: Draws, duration: int, interval: int) -> Spec:
    del interval
    period = draws.whole("period", duration // 200 + 1, duration // 20 + 1)
    return {
        "members": draws.whole("members", 2, 20),
        "period": f"{period} ns",
        "probe_timeout": draws.time("probe_timeout", 1, period),
        "indirect": draws.pick("indirect", [0.0, 1.0, 3.0, 10.0]),
        "suspicion": draws.time("suspicion", 0, duration / 10),
        "dissemination": draws.time("dissemination", 0, duration / 10),
    }


def _token(draws: Draws, duration: int, interval: int) -> Spec:
    token = draws.whole("token", interval, max(interval, duration // 10))
    spec: Spec = {
        "members": draws.whole("members", 2, 5),
        "token": f"{token} ns",
        "coefficient": draws.time("coefficient", 0, duration / 30),
        "reform": draws.time("reform", 0, duration / 30),
        "join": draws.time("join", duration // 500 + 1, duration // 20 + 1),
        "hold": draws.time("hold", 1, max(1, token // 2)),
        "disagreement": f"{draws.pick('disagreement', [0, 13, 90])} %",
    }
    if draws.chance("consensus there", 0.5):
        spec["consensus"] = draws.time("consensus", 1, duration / 10)
    return spec


def _witness(draws: Draws, duration: int, interval: int) -> Spec:
    del interval
    beat = draws.whole("interval", duration // 300 + 1, duration // 20 + 1)
    return {"interval": f"{beat} ns", "timeout": draws.time("timeout", beat + 1, 5 * beat)}


_SECTIONS = {"phi": _phi, "swim": _swim, "token": _token, "witness": _witness}


def fencing(draws: Draws, duration: int) -> Spec:
    """Return what makes a takeover safe, or does not."""
    kind = draws.weighted("kind", {"stonith": 45, "shared-storage": 20, "witness": 20, "none": 12, "watchdog": 12})
    spec: Spec = {"kind": kind, "delay": draws.time("delay", 0, duration / (3 if draws.chance("slow", 0.1) else 30))}
    if kind == "stonith" and draws.chance("fails", 0.4):
        spec["failure_probability"] = f"{draws.pick('failure_probability', [1, 50, 100])} %"
        spec["attempts"] = draws.whole("attempts", 1, 5)
    if kind == "witness":
        spec["lease"] = draws.time("lease", 0, duration / 10)
    if kind == "stonith":
        spec["devices"] = draws.pick("devices", ["each", "one"])
        if draws.chance("spread there", 0.3):
            spec["spread"] = draws.time("spread", 0, duration / 20)
    if kind == "none" and draws.chance("heal there", 0.5):
        spec["heal"] = draws.pick("heal", ["none", "yield"])
    if kind == "watchdog":
        timeout = draws.whole("timeout", duration // 200 + 1, duration // 20 + 1)
        spec["timeout"] = f"{timeout} ns"
        spec["wait"] = f"{draws.whole('wait', 2 * timeout, 4 * timeout)} ns"
    if kind != "none" and draws.chance("random_delay there", 0.2):
        spec["random_delay"] = draws.time("random_delay", 0, duration / 20)
    if kind != "none" and draws.chance("host_delay there", 0.2):
        spec["host_delay"] = {draws.pick("host", ["primary", "secondary"]): draws.time("host_delay", 0, duration / 20)}
    if kind != "none" and draws.chance("priority_delay there", 0.3):
        spec["priority_delay"] = draws.time("priority_delay", 0, duration / 20)
    return spec


def quorum(draws: Draws, duration: int, *, needed: bool) -> Spec | None:
    """Return what decides who may go on; None for what is assumed."""
    if not needed and not draws.chance("there", 0.3):
        return None
    spec: Spec = {"kind": "witness" if needed else draws.pick("kind", ["witness", "witness", "none"])}
    if draws.chance("vote there", 0.8):
        spec["vote"] = draws.time("vote", 0, duration / 30)
    if spec["kind"] == "witness":
        spec["response"] = draws.pick("response", ["none", "power-off", "shut-down", "reset"])
        spec["delay"] = draws.time("delay", 0, duration / 10)
        spec["shut_down"] = draws.time("shut_down", 0, duration / 10)
    return spec


def failures(draws: Draws, duration: int, spares: int, *, repaired: bool) -> list[Spec]:
    """Return what goes wrong: often nothing or one thing, sometimes several."""
    number = draws.weighted("number", {0: 20, 1: 40, 2: 22, 3: 12, 5: 6})
    struck = [_failure(draws.under(str(index)), duration, spares) for index in range(number)]
    drawn = [*struck, *_overlapping(draws, struck, duration)]
    if repaired:
        return drawn
    crashed: set[str] = set()
    return [each for each in drawn if not _again(each, crashed)]


def _overlapping(draws: Draws, struck: list[Spec], duration: int) -> Iterator[Spec]:
    """Yield, for some of the faults that pass, a second one of the kind that begins before the first has ended."""
    for index, first in enumerate(struck):
        second = draws.under(f"{index}/second")
        if "lasts" in first and second.chance("there", 0.4):
            yield {
                **{key: value for key, value in first.items() if key in _WHAT_AND_WHEN},
                **_strength(second, first["kind"], duration),
                "delay": second.time("delay", 0, DURATION.read(first["lasts"])),
                "lasts": second.time("lasts", 1, duration // 2 + 1),
            }


def _again(failure: Spec, crashed: set[str]) -> bool:
    """Say whether a host that is never repaired crashes a second time."""
    if failure["kind"] != "host-crash":
        return False
    target = failure.get("target", "primary")
    known = target in crashed
    crashed.add(target)
    return known


def _failure(draws: Draws, duration: int, spares: int) -> Spec:
    kind = draws.weighted("kind", KINDS)
    spec: Spec = {"kind": kind, **_instant(draws, duration)}
    targets = list(Failure.kinds[kind].targets)
    if "standby" in targets and spares and draws.chance("a spare", 0.2):
        spec["target"] = f"spare-{draws.whole('spare', 1, spares)}"
    elif draws.chance("target there", 0.7):
        spec["target"] = draws.pick("target", targets)
    if draws.chance("delay there", 0.2):
        spec["delay"] = draws.time("delay", 0, duration / 10)
    if "at" in spec and draws.chance("fixed there", 0.2):
        spec["fixed"] = draws.chance("fixed", 0.5)
    spec.update(_strength(draws, kind, duration))
    if Failure.kinds[kind].passes:
        spec.update(_passing(draws, duration))
    return spec


def _strength(draws: Draws, kind: str, duration: int) -> Spec:
    if kind == "link-loss" and draws.chance("share there", 0.7):
        return {"share": f"{draws.pick('share', [0, 1, 30, 90, 100])} %"}
    if kind in ("slow-host", "link-slow") and draws.chance("factor there", 0.7):
        return {"factor": draws.pick("factor", [1.0, 1.5, 10.0, 1000.0])}
    if kind == "network-loss" and draws.chance("planes there", 0.9):
        planes = [plane for plane in Plane if draws.chance(f"plane {plane}", 0.5)]
        return {"planes": [*map(str, planes)] or ["replication"], **_one_way(draws)}
    if kind == "all-paths-down":
        return {key: draws.time(key, 0, duration / 10) for key in ("paths_timeout", "restart_delay")}
    return _one_way(draws) if kind == "isolation" else {}


def _one_way(draws: Draws) -> Spec:
    return {"one_way": draws.pick("one_way", ["in", "out"])} if draws.chance("one_way there", 0.3) else {}


def _instant(draws: Draws, duration: int) -> Spec:
    when = draws.weighted("when", {"at": 50, "epoch": 22, "step": 18, "random": 10})
    if when == "at":
        begin, end = draws.weighted("part", {(0, 1.0): 10, (0.1, 0.6): 80, (0.6, 1.0): 10})
        return {"at": draws.time("at", begin * duration, end * (duration - 1))}
    if when == "epoch":
        return {"at_phase": draws.pick("epoch phase", EPOCH_PHASES), "epoch": draws.whole("epoch", 0, 12)}
    if when == "step":
        return {"at_phase": draws.pick("step", STEPS)}
    distribution = draws.pick("distribution", ["exponential", "weibull", "uniform", "instants"])
    random: Spec = {"distribution": distribution}
    if distribution == "instants":
        instants = range(draws.whole("instants", 1, 3))
        return {"at_random": {**random, "instants": [draws.time(f"instants.{each}", 0, duration) for each in instants]}}
    random["mean"] = draws.time("mean", 1 if draws.chance("at once", 0.1) else duration // 10, duration)
    if distribution == "weibull":
        random["shape"] = draws.pick("shape", [0.5, 1.5, 5.0])
    return {"at_random": random}


def _passing(draws: Draws, duration: int) -> Spec:
    if not draws.chance("passes", 0.75):
        return {}
    lasts = draws.whole("lasts", 1 if draws.chance("short", 0.2) else duration // 100 + 1, duration // 2 + 1)
    if not draws.chance("comes again", 0.35):
        return {"lasts": f"{lasts} ns"}
    every = lasts + draws.whole("well for", duration // 100 + 1, duration // 4 + 1)
    return {"lasts": f"{lasts} ns", "repeat": draws.whole("repeat", 2, 10), "every": f"{every} ns"}
