"""What is there: the hosts, the VM and its workload, its clients, the link, and what the hypervisor costs."""

from typing import Any

from vmfailover.scenario.units import BANDWIDTH, BYTE_RATE, FREQUENCY, SIZE

from .draws import Draws
from .traces import TRACES

Spec = dict[str, Any]
KIB, MIB = 1 << 10, 1 << 20
#: Bytes of a line of each preset of a host.
PRESETS = {"power7": 128, "power8": 128, "xeon": 64}
#: Rows of the L2 and stores in flight of each preset: what a guard band has to hold.
FLAGGED_ROWS = {"power7": 2048 + 64, "power8": 4096 + 64, "xeon": 32768 + 64}
#: Clock of a host whose scenario does not say, in instructions a nanosecond, rounded up.
_USUAL_CLOCK = 4.0


def host(draws: Draws, line: int, vcpus: int) -> Spec:
    """Return a host with lines of so many bytes."""
    preset = draws.pick("preset", list(PRESETS))
    spec: Spec = {"preset": preset}
    if line != PRESETS[preset] or draws.chance("own caches", 0.5):
        spec["line"] = SIZE.format(line)
        spec["l1"] = _cache(draws.under("l1"), line, most_sets=64)
        spec["l2"] = _cache(draws.under("l2"), line, most_sets=512)
        spec["l3"] = _cache(draws.under("l3"), line, most_sets=1024) if draws.chance("has l3", 0.7) else "none"
    if draws.chance("own clock", 0.3):
        limit = draws.weighted("clock limit", {False: 20, True: 1})
        hertz = draws.pick("limit", [1, 1000, 10**11]) if limit else draws.whole("clock", 5 * 10**8, 10**10)
        spec["clock"] = FREQUENCY.format(hertz)
    if draws.chance("own cpi", 0.2):
        spec["base_cpi"] = draws.number("cpi", 0.1, 10.0)
    if draws.chance("own cores", 0.3):
        spec["cores"] = draws.pick("cores", [vcpus, vcpus + 1, 16])
    if draws.chance("own memory", 0.3):
        spec["memory"] = {
            "latency": draws.time("latency", 0, 1000),
            "bandwidth": BYTE_RATE.format(draws.whole("bandwidth", 10**8, 10**12)),
            "parallelism": draws.number("parallelism", 1.0, 64.0),
        }
    if draws.chance("own store queue", 0.2):
        spec["store_queue"] = draws.whole("store_queue", 1, 200)
    if draws.chance("own core_to_core", 0.2):
        spec["core_to_core"] = draws.time("core_to_core", 0, 1000)
    if draws.chance("own scan", 0.2):
        spec["scan_cycles_per_set"] = f"{draws.whole('scan', 0, 100)} cycles"
    return spec


def flagged_rows(host_spec: Spec) -> int:
    """Return the rows of a core's L2 and its stores in flight."""
    if "l2" not in host_spec:
        usual = FLAGGED_ROWS[host_spec["preset"]] - 64
    else:
        usual = int(SIZE.read(host_spec["l2"]["size"])) // int(SIZE.read(host_spec["line"]))
    return usual + int(host_spec.get("store_queue", 64))


def _cache(draws: Draws, line: int, most_sets: int) -> Spec:
    ways = draws.pick("ways", [1, 2, 3, 4, 4, 5, 7, 8, 8, 12, 16, 31, 255])
    most = max(1, min(most_sets, 4096 // ways))
    sets = 1 << draws.whole("sets", 0, most.bit_length() - 1)
    return {
        "size": SIZE.format(sets * ways * line),
        "ways": ways,
        "latency": f"{draws.whole('latency', 0, 60)} cycles",
    }


def memory_bytes(draws: Draws, line: int) -> int:
    """Return the size of a VM's memory."""
    most = draws.weighted("most", {MIB: 60, 4 * MIB: 25, 16 * MIB: 12, 64 * MIB: 3})
    return max(1, draws.whole("memory", 128 * KIB, most) // line) * line


def workload(draws: Draws, memory: int, vcpus: int) -> Spec:
    """Return what a VM of so much memory does."""
    if draws.chance("hot sets", 0.12):
        return _hot_sets(draws.under("hot sets"), memory, vcpus)
    kinds = ("zipf", "uniform", "sequential", "pointer-chase", "idle", "mix", "trace")
    kind = draws.weighted("kind", dict(zip(kinds, (25, 15, 15, 10, 8, 12, 15), strict=True)))
    if kind == "trace":
        fitting = [name for name, trace in TRACES.items() if trace.vcpus in (1, vcpus)]
        name = draws.pick("trace", fitting)
        spread = (
            {"spread": "copies"} if vcpus * TRACES[name].memory_bytes <= memory and draws.chance("spread", 0.5) else {}
        )
        return {"trace": name, "repeat": draws.pick("repeat", [True, True, "shifted", False]), **spread}
    if kind != "mix":
        return _phase(draws, kind, memory) | _pace(draws)
    phases = [draws.under(f"phases.{number}") for number in range(draws.whole("phases", 1, 4))]
    return {
        "kind": "mix",
        "phases": [
            {**_phase(each, each.pick("kind", kinds[:5]), memory), "accesses": each.whole("accesses", 1, 50_000)}
            for each in phases
        ],
        **_pace(draws),
    }


def _pace(draws: Draws) -> Spec:
    if not draws.chance("paced", 0.1):
        return {}
    return {
        "rate": f"{draws.whole('rate', 1, 10**7)} /s",
        "arrivals": draws.pick("arrivals", ["even", "random"]),
        "together": draws.whole("together", 1, 8),
    }


def _hot_sets(draws: Draws, memory: int, vcpus: int) -> Spec:
    tick_us = draws.pick("tick", [10, 50, 100, 100, 1000])
    number = draws.whole("sets", 1, 4)
    room = memory // 4096 // number
    sets = [_hot_set(draws.under(f"sets.{each}"), max(1, room), tick_us, vcpus) for each in range(number)]
    spec: Spec = {"kind": "hot-sets", "sets": sets}
    if tick_us != 100 or draws.chance("tick there", 0.3):
        spec["tick"] = f"{tick_us} us"
    if draws.chance("pace there", 0.5):
        spec["instructions_per_access"] = draws.number("instructions_per_access", 2.0, 200.0)
    if draws.chance("fluctuates", 0.5):
        variation = draws.pick("variation", [1, 40, 100, 300])
        spec["fluctuation"] = {"variation": f"{variation} %", "correlation": draws.time("correlation", 1, 10**8)}
    return spec


def _hot_set(draws: Draws, room: int, tick_us: int, vcpus: int) -> Spec:
    kind = draws.pick("kind", ["random", "random", "stream", "periodic"])
    pages = draws.whole("pages", 1, room)
    visits = draws.number("visits", 100.0, 1e6)
    spec: Spec = {"kind": kind, "memory": SIZE.format(pages * 4096), "visits": f"{visits!r} /s"}
    if draws.chance("burst there", 0.5):
        spec["burst"] = f"{64 * draws.pick('burst', [1, 2, 3, 8, 20, 64])} B"
    if draws.chance("part there", 0.3):
        burst = int(spec.get("burst", "64 B").split()[0])
        spec["within"] = f"{draws.pick('within', [each for each in (64, 256, 1024, 4096) if each >= burst])} B"
    if draws.chance("stride there", 0.3):
        spec["stride"] = SIZE.format(4096 * draws.whole("stride", 1, max(1, room // pages)))
    if draws.chance("stores there", 0.4):
        spec["stores"] = draws.number("stores", 1.0, 20.0)
    if draws.chance("loads there", 0.5):
        spec["loads"] = draws.number("loads", 0.01, 10.0)
    if kind == "periodic":
        spec["period"] = f"{tick_us * draws.whole('period', 1, 20)} us"
    if draws.chance("offset there", 0.2):
        span = pages if "stride" not in spec else room
        spec["offset"] = SIZE.format(4096 * draws.whole("offset", 0, room - span))
    if draws.chance("vcpus there", 0.3):
        spec["vcpus"] = [draws.whole("vcpu", 0, vcpus - 1)]
    return spec


def _phase(draws: Draws, kind: str, memory: int) -> Spec:
    spec: Spec = {"kind": kind}
    working_set = draws.whole("working_set", 64, memory)
    if draws.chance("offset there", 0.25):
        working_set = max(1, working_set // 2)
        spec["offset"] = draws.size("offset", 0, memory - working_set)
    spec["working_set"] = SIZE.format(working_set)
    if draws.chance("stores there", 0.7):
        spec["store_fraction"] = f"{draws.pick('store_fraction', [0, 1, 17, 30, 50, 100])} %"
    if kind != "idle" or draws.chance("idle pace", 0.5):
        limit = draws.chance("pace limit", 0.03)
        spec["instructions_per_access"] = 0.01 if limit else draws.number("instructions_per_access", 2.0, 2000.0)
    if kind == "zipf" and draws.chance("skew there", 0.4):
        spec["skew"] = draws.pick("skew", [0.01, 0.5, 1.0, 1.3, 3.0, 100.0])
    if kind == "sequential" and draws.chance("stride there", 0.5):
        spec["stride"] = draws.size("stride", 1, working_set)
    elif kind == "sequential" and working_set < 64:
        spec["stride"] = "1 B"
    return spec


def accesses_per_ns(workload_spec: Spec, hosts: Spec, vcpus: int) -> float:
    """Return the accesses of a nanosecond, at most."""
    phases = workload_spec.get("phases", [workload_spec])
    idle = {"idle": 1e5}
    densest = min(float(each.get("instructions_per_access", idle.get(each.get("kind"), 3))) for each in phases)
    if "trace" in workload_spec:
        shape = TRACES[workload_spec["trace"]]
        densest = shape.instructions / 2 / shape.repeats
    clock = max(_instructions_per_ns(each) for each in hosts.values())
    return clock / densest * vcpus


def _instructions_per_ns(host_spec: Spec) -> float:
    clock = FREQUENCY.read(host_spec["clock"]) / 1e9 if "clock" in host_spec else _USUAL_CLOCK
    return float(clock / host_spec.get("base_cpi", 1.0))


def clients(draws: Draws, memory: int, line: int, duration: int) -> Spec | None:
    """Return the users of a VM: none, a few, many, or more than it can serve."""
    kind = draws.weighted("kind", {"none": 25, "few": 25, "many": 30, "too many": 20})
    if kind == "none":
        return None
    expected = draws.number("requests", *{"few": (0.2, 20.0), "many": (20.0, 600.0)}.get(kind, (50.0, 600.0)))
    gap_ns = duration / expected
    spec: Spec = {"rate": f"{float(f'{1e9 / gap_ns:.6g}')!r} /s"}
    if kind == "too many":
        spec["service"] = draws.time("service", gap_ns, 6 * gap_ns)
    elif draws.chance("service there", 0.7):
        spec["service"] = draws.time("service", 0, gap_ns)
    if draws.chance("kind there", 0.3):
        spec["kind"] = "open"
    if draws.chance("request there", 0.4):
        spec["request"] = draws.size("request", 0, min(memory // 4 // line * line, 16 * KIB))
    if draws.chance("stores there", 0.3):
        spec["stores"] = draws.size("stores", 0, min(memory // 4 // line * line, 8 * KIB))
    if draws.chance("response there", 0.4):
        spec["response"] = draws.size("response", 0, 10**6 if draws.chance("large", 0.1) else 20_000)
    if draws.chance("latency there", 0.6):
        spec["latency"] = draws.time("latency", 0, duration / 20)
    if draws.chance("retry there", 0.7):
        spec["retry"] = draws.time("retry", duration / 100, duration)
    return spec


def link(draws: Draws, duration: int) -> Spec:
    """Return the link between the hosts."""
    pace = draws.weighted("pace", {"usual": 75, "slow": 16, "slower": 4, "slowest": 2, "fastest": 3})
    ends = {
        "usual": (10**9, 10**11),
        "slow": (10**8, 10**9),
        "slower": (10**5, 10**8),
        "slowest": (1, 10**5),
        "fastest": (10**12, 10**14),
    }
    spec: Spec = {"bandwidth": BANDWIDTH.format(draws.whole("bandwidth", *ends[pace]))}
    distance = draws.weighted("distance", {"near": 80, "far": 16, "extreme": 4})
    spec["latency"] = {
        "near": draws.time("near", 500, duration / 200),
        "far": draws.time("far", duration / 200, duration / 10),
        "extreme": draws.time("extreme", 1, duration),
    }[distance]
    if draws.chance("mtu there", 0.3):
        spec["mtu"] = draws.size("mtu", 128, 65536)
    if draws.chance("overhead there", 0.2):
        spec["overhead"] = draws.size("overhead", 0, 2000)
    if draws.chance("queue there", 0.35):
        spec["queue"] = draws.size("queue", 1, 10**6)
    if draws.chance("loss there", 0.3):
        spec["loss"] = f"{draws.pick('loss', [0, 0.1, 1, 3, 10, 50, 90])} %"
        spec["retransmission_timeout"] = draws.time("retransmission_timeout", duration / 2000, duration)
    if draws.chance("shaped", 0.15):
        rate = BANDWIDTH.format(draws.whole("rate", *ends[pace]))
        spec["shaper"] = {"rate": rate, "burst": draws.size("burst", 1, 10**6)}
    return spec


def hypervisor(draws: Draws, duration: int) -> Spec | None:
    """Return what its steps cost: nothing, little or much; None for what is assumed, which is long for such runs."""
    if not draws.chance("there", 0.92):
        return None
    steps = ("quiesce", "resume", "vcpu_capture", "interrupt", "deduplication", "restore", "redirect", "message")
    most = {"deduplication": 200, "interrupt": 20_000, "message": 5000}
    spec: Spec = {
        name: draws.time(name, 0, most.get(name, duration / (4 if draws.chance(f"{name} long", 0.1) else 50)))
        for name in steps
        if draws.chance(f"{name} there", 0.95 if name in ("restore", "redirect") else 0.5)
    }
    if draws.chance("wake_up there", 0.2):
        spec["wake_up"] = draws.time("wake_up", 0, duration / 50)
    if draws.chance("vcpu_state there", 0.3):
        spec["vcpu_state"] = draws.size("vcpu_state", 0, 100 * KIB)
    return spec
