"""What a run leaves is enough to compute all its metrics again, without the product and with the same outcome."""

import ast
import json
import math
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from runs_for_tests import FEW_VARIANTS, observe_variant, variants
from scenarios_for_tests import PROTOCOL_VARIANTS, VARIANTS, small

import vmfailover as vf
from results.recomputation import recomputed
from vmfailover import simulation
from vmfailover.records.events import Kind
from vmfailover.results.export import write_records
from vmfailover.results.metrics import metrics_of
from vmfailover.scenario import Scenario

RECOMPUTATION = Path(__file__).parent / "recomputation"
SCENARIOS = sorted(path for path in Path("scenarios").rglob("*.yaml") if path.parent.name != "guests")

CRASH: dict[str, Any] = {"at": "3300 us", "kind": "host-crash", "target": "primary"}
HANG: dict[str, Any] = {"at": "3 ms", "kind": "hypervisor-hang", "target": "primary"}
CUT: dict[str, Any] = {"at": "5 ms", "kind": "link-cut", "target": "both"}
LATER: dict[str, Any] = {"at_phase": "re-protection", "delay": "2 ms", "kind": "host-crash", "target": "active"}
WITNESS = {"kind": "witness", "delay": "300 us", "lease": "2 ms"}


def again(duration: str = "20 ms", *, failures: list[dict[str, Any]], **reprotection: object) -> Scenario:
    """Return a scenario whose VM is protected again."""
    return small(duration=duration, failures=failures, reprotection=reprotection)


def evacuation(lead: str) -> Scenario:
    """Return a scenario that ends so long after its evacuation has begun; its VM is stopped after some 1.85 ms."""
    return small("live-precopy", failures=[], **{"replication.precopy.lead": lead})


#: What can befall a VM, each in a scenario of a few milliseconds.
SITUATIONS: dict[str, Callable[[], Scenario]] = {
    "secondary-crash": lambda: small(failures=[{**CRASH, "target": "secondary"}]),
    "both-crash": lambda: small(failures=[CRASH, {**CRASH, "target": "secondary"}]),
    "memory-error": lambda: small(failures=[{**CRASH, "kind": "memory-error"}]),
    "false-alarm": lambda: small(failures=[{**CUT, "target": "forward"}]),
    "false-alarm-of-both": lambda: small(failures=[{**CUT, "lasts": "3 ms"}]),
    "split-brain": lambda: small("no-fencing", failures=[CUT]),
    "split-brain-until-a-crash": lambda: small("no-fencing", failures=[CUT, {**CRASH, "at": "9 ms"}]),
    "hang": lambda: small(failures=[HANG]),
    "hang-passes": lambda: small(failures=[{**HANG, "target": "active", "lasts": "700 us"}]),
    "hang-passes-before-a-crash": lambda: small(failures=[{**HANG, "lasts": "700 us"}, {**CRASH, "at": "6300 us"}]),
    "hang-passes-before-a-false-alarm": lambda: small(failures=[{**HANG, "lasts": "700 us"}, CUT]),
    "hang-turns-into-a-crash": lambda: small(failures=[{**HANG, "lasts": "900 us"}, CRASH]),
    "hangs-overlap": lambda: small(
        failures=[{**HANG, "lasts": "400 us"}, {**HANG, "at": "3200 us", "lasts": "600 us"}]
    ),
    "hang-passes-too-late": lambda: small(failures=[{**HANG, "lasts": "2 ms"}], **{"fencing.delay": "1 ms"}),
    "hang-of-the-secondary-passes-too-late": lambda: small(
        failures=[{**HANG, "target": "standby", "lasts": "2 ms"}], **{"fencing.delay": "1 ms"}
    ),
    "hang-passes-after-fencing-has-failed": lambda: small(
        failures=[{**HANG, "lasts": "4 ms"}], **{"fencing.failure_probability": "100 %"}
    ),
    "hang-of-the-secondary-passes": lambda: small(failures=[{**HANG, "target": "standby", "lasts": "600 us"}]),
    "hang-passes-without-fencing": lambda: small("no-fencing", failures=[{**HANG, "lasts": "4 ms"}]),
    "fencing-fails": lambda: small(**{"fencing.failure_probability": "100 %"}),
    "fencing-fails-and-another-fault-passes": lambda: small(
        failures=[HANG, {"at": "3100 us", "kind": "link-slow", "factor": 2.0, "target": "both", "lasts": "500 us"}],
        **{"fencing.failure_probability": "100 %"},
    ),
    "spare": lambda: again("14 ms", failures=[CRASH], spares=1),
    "spare-dies": lambda: again(
        failures=[CRASH, {**CRASH, "at": "5500 us", "target": "spare-1"}], spares=2, duration="16 ms"
    ),
    "spare-takes-over": lambda: again(failures=[{**CRASH, "target": "secondary"}, LATER], spares=1),
    "loser-of-a-race-and-a-spare": lambda: again(failures=[CUT, LATER], spares=1).with_(fencing=WITNESS),
    "roles-swap": lambda: again("24 ms", failures=[CRASH, LATER], repair="500 us"),
    "failback": lambda: again("18 ms", failures=[CRASH], repair="500 us", failback="1500 us"),
    "failback-cut-short": lambda: again(
        failures=[CRASH, {**LATER, "at_phase": "failback", "delay": "10 us"}], repair="500 us", failback="1500 us"
    ),
    "evacuation-cut-short": lambda: small(
        "live-precopy", **{"replication.precopy.lead": "6 ms", "link.bandwidth": "1 Gbit/s"}
    ),
    "evacuation-ends-in-the-last-live-round": lambda: evacuation("1800 us"),
    "evacuation-ends-between-stop-and-last-round": lambda: evacuation("2 ms"),
    "evacuation-ends-after-the-last-round-was-sent": lambda: evacuation("2200 us"),
    "evacuation-of-few-pages": lambda: small("live-precopy", **{"replication.precopy.least": 300}),
    "warm-up": lambda: small(warm_up="3 ms"),
    "end-in-detection": lambda: small(duration="7 ms"),
    "end-in-fencing": lambda: small(duration="8 ms"),
    "extended": lambda: small(duration="7 ms", extend="until-takeover"),
    "short": lambda: small(duration="200 us", failures=[], checkpoint_interval="50 us", scan_interval=None),
}

#: Those that quick tests run: of faults that pass, alarms, moves and ends one each.
QUICK = {
    *("secondary-crash", "memory-error", "false-alarm-of-both", "split-brain-until-a-crash", "hang-passes"),
    *("fencing-fails", "spare", "failback", "evacuation-cut-short", "warm-up", "end-in-fencing", "extended", "short"),
}


#: The heartbeat of 2.5 ms, of 114 ns, is the last that comes through before the hang; after it passes the timeout.
VERDICT = 2_500_000 + 114 + 20_000 + 1_500_000
ACTIVATION = 100_000 + 100_000
NO_EVACUATION = dict.fromkeys(
    f"migration.{name}" for name in ("total_ns", "downtime_ns", "rounds", "bytes", "converged")
)
#: What some metrics must be in some situations, worked out by hand.
BY_HAND: dict[str, dict[str, int | bool | None]] = {
    "hang-turns-into-a-crash": {
        "failover.latency_ns": VERDICT + 300_000 + ACTIVATION - 3_000_000,
        "failover.detection_ns": VERDICT - 3_000_000,
        "failover.false_alarms": 0,
        "exposure.total_ns": 12_000_000 - 3_000_000,
    },
    "hangs-overlap": {"failover.latency_ns": None, "failover.false_alarms": 0, "exposure.total_ns": 0},
    "false-alarm": {"failover.latency_ns": None, "failover.false_alarms": 1},
    "hang-passes-before-a-false-alarm": {"failover.latency_ns": None},
    "hang-passes-too-late": {
        "failover.latency_ns": VERDICT + 1_000_000 + ACTIVATION - 3_000_000,
        "failover.false_alarms": 0,
        "exposure.total_ns": 12_000_000 - 3_000_000,
    },
    "hang-of-the-secondary-passes-too-late": {
        "failover.latency_ns": None,
        "failover.false_alarms": 0,
        "exposure.total_ns": 12_000_000 - 3_000_000,
    },
    "hang-passes-after-fencing-has-failed": {
        "failover.latency_ns": None,
        "failover.detection_ns": VERDICT - 3_000_000,
        "exposure.total_ns": 0,
    },
    "roles-swap": {"failover.count": 2, "failover.false_alarms": 0},
    "evacuation-ends-in-the-last-live-round": NO_EVACUATION,
    "evacuation-ends-between-stop-and-last-round": NO_EVACUATION,
    "evacuation-ends-after-the-last-round-was-sent": {
        "migration.total_ns": None,
        "migration.downtime_ns": None,
        "migration.rounds": 3,
        "migration.converged": False,
    },
}
#: From when to when clients were without the VM in them, worked out by hand.
OUTAGES: dict[str, tuple[int, int]] = {
    "hang-turns-into-a-crash": (3_000_000, VERDICT + 300_000 + ACTIVATION),
    "hangs-overlap": (3_000_000, 3_200_000 + 600_000),
    "hang-passes-too-late": (3_000_000, VERDICT + 1_000_000 + ACTIVATION),
    "hang-of-the-secondary-passes-too-late": (3_000_000, VERDICT + 1_000_000),
    "hang-passes-after-fencing-has-failed": (3_000_000, 3_000_000 + 4_000_000),
}


@cache
def befallen(situation: str) -> vf.RunResult:
    return simulation.run(SITUATIONS[situation](), samples=0)


def differences(result: vf.RunResult, folder: Path) -> dict[str, Any]:
    """Save a run; return each metric that comes out otherwise from what was saved, with both values."""
    write_records(result, folder)
    saved = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["metrics"]
    accesses, seconds = saved["run.accesses"], saved.pop("run.wall_seconds") - saved.pop("run.compile_seconds")
    assert saved.pop("run.accesses_per_second") == pytest.approx(accesses / seconds)
    found = recomputed(folder)
    assert found.keys() == saved.keys()
    return {name: (saved[name], value) for name, value in found.items() if not same(saved[name], value)}


def same(saved: float | None, value: float | None) -> bool:
    """Whether two values are the same: exactly, or to rounding where they are fractions."""
    if isinstance(saved, float) and value is not None:
        return math.isclose(saved, value, rel_tol=1e-9, abs_tol=1e-12)
    return saved == value and (saved is None) == (value is None)


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS], FEW_VARIANTS))
def test_every_metric_of_a_variant_can_be_computed_again(variant: str, tmp_path: Path) -> None:
    result = observe_variant(variant).result
    assert differences(result, tmp_path) == {}
    assert {event.kind for event in result.event_rows} <= set(Kind)


@pytest.mark.parametrize(
    "situation", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SITUATIONS]
)
def test_every_metric_of_a_situation_can_be_computed_again(situation: str, tmp_path: Path) -> None:
    result = befallen(situation)
    assert differences(result, tmp_path) == {}
    assert {event.kind for event in result.event_rows} <= set(Kind)


@pytest.mark.parametrize("situation", BY_HAND)
def test_metrics_of_a_situation_are_as_worked_out_by_hand(situation: str) -> None:
    values = befallen(situation).values
    assert {name: values[name] for name in BY_HAND[situation]} == BY_HAND[situation]


def test_the_last_live_round_and_the_stop_are_where_the_runs_end() -> None:
    names = ("in-the-last-live-round", "between-stop-and-last-round", "after-the-last-round-was-sent")
    told = [befallen(f"evacuation-ends-{name}") for name in names]
    rounds = [[row.paused_ns >= 0 for row in result.epoch_rows] for result in told]
    assert rounds == [[False, False], [False, False], [False, False, True]]
    assert [result.first_ns("switchover") is None for result in told] == [True, False, False]


@pytest.mark.parametrize("situation", OUTAGES)
def test_requests_are_sent_across_the_outage_that_was_worked_out_by_hand(situation: str) -> None:
    result, (began_ns, ended_ns) = befallen(situation), OUTAGES[situation]
    sent = [request.sent_ns for request in result.requests]
    counts = [sum(at < began_ns for at in sent), sum(began_ns <= at < ended_ns for at in sent)]
    assert [result.values[f"client.{phase}.requests"] for phase in ("before", "across")] == counts


@pytest.mark.parametrize("after_ns", [3_000_000, 7_000_000])
def test_every_metric_of_an_interrupted_run_can_be_computed_again(after_ns: int, tmp_path: Path) -> None:
    def interrupt(time_ns: int) -> None:
        if time_ns > after_ns:
            signal.raise_signal(signal.SIGINT)

    result = vf.run(small(), progress=interrupt)
    assert result.interrupted
    assert differences(result, tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("path", SCENARIOS, ids=str)
def test_every_metric_of_a_scenario_can_be_computed_again(path: Path, tmp_path: Path) -> None:
    assert differences(vf.run(vf.load(path)), tmp_path) == {}


@pytest.mark.parametrize("situation", ["loser-of-a-race-and-a-spare", "failback", "evacuation-cut-short"])
def test_a_run_that_was_read_has_the_metrics_that_were_saved(situation: str, tmp_path: Path) -> None:
    result = befallen(situation)
    result.save(tmp_path)
    seconds = (result.values[f"run.{name}_seconds"] or 0 for name in ("wall", "compile"))
    assert metrics_of(vf.read(tmp_path), *seconds) == result.values


def test_what_computes_them_shares_nothing_with_the_product() -> None:
    imported: set[str] = set()
    for path in RECOMPUTATION.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(f"{'.' * node.level}{node.module or ''}")
    own = {name for name in imported if name.startswith("results.recomputation")}
    others = {"collections.abc", "dataclasses", "functools", "itertools", "json", "math", "pathlib", "types", "typing"}
    assert imported - own - others == {"numpy", "numpy.typing", "pandas"}
