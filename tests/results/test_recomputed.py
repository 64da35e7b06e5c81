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
from runs_for_tests import observe_variant, variants
from scenarios_for_tests import PROTOCOL_VARIANTS, VARIANTS, small

import vmfailover as vf
from results.recomputation import recomputed
from vmfailover import simulation
from vmfailover.records.events import Kind
from vmfailover.results.export import write_records
from vmfailover.results.metrics import metrics_of
from vmfailover.scenario import Scenario

RECOMPUTATION = Path(__file__).parent / "recomputation"
SCENARIOS = sorted(Path("scenarios").rglob("*.yaml"))

CRASH: dict[str, Any] = {"at": "3300 us", "kind": "host-crash", "target": "primary"}
HANG: dict[str, Any] = {"at": "3 ms", "kind": "hypervisor-hang", "target": "primary"}
CUT: dict[str, Any] = {"at": "5 ms", "kind": "link-cut", "target": "both"}
LATER: dict[str, Any] = {"at_phase": "re-protection", "delay": "2 ms", "kind": "host-crash", "target": "active"}
WITNESS = {"kind": "witness", "delay": "300 us", "lease": "2 ms"}


def again(duration: str = "20 ms", *, failures: list[dict[str, Any]], **reprotection: object) -> Scenario:
    """Return a scenario whose VM is protected again."""
    return small(duration=duration, failures=failures, reprotection=reprotection)


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


@cache
def befallen(situation: str) -> vf.RunResult:
    return simulation.run(SITUATIONS[situation](), samples=0)


def differences(result: vf.RunResult, folder: Path) -> dict[str, Any]:
    """Save a run; return each metric that comes out otherwise from what was saved, with both values."""
    write_records(result, folder)
    saved = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["metrics"]
    accesses, seconds = saved["run.accesses"], saved.pop("run.wall_seconds")
    assert saved.pop("run.accesses_per_second") == pytest.approx(accesses / seconds)
    found = recomputed(folder)
    assert found.keys() == saved.keys()
    return {name: (saved[name], value) for name, value in found.items() if not same(saved[name], value)}


def same(saved: float | None, value: float | None) -> bool:
    """Whether two values are the same: exactly, or to rounding where they are fractions."""
    if isinstance(saved, float) and value is not None:
        return math.isclose(saved, value, rel_tol=1e-9, abs_tol=1e-12)
    return saved == value and (saved is None) == (value is None)


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS]))
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
    assert metrics_of(vf.read(tmp_path), result.values["run.wall_seconds"] or 0) == result.values


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
