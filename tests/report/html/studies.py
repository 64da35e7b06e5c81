"""Small studies of every kind that has a report, and what they leave in a folder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from interruptions import after
from scenarios_for_tests import minute, small

from vmfailover.report.html.comparison_report import comparison_report
from vmfailover.report.html.page import Page
from vmfailover.report.html.replications_report import replications_report
from vmfailover.report.html.sweep_report import sweep_report
from vmfailover.studies.comparison import Comparison, compare, under_protocols
from vmfailover.studies.comparison_export import export_comparison
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.replication_export import export_replications
from vmfailover.studies.sweep import Sweep, sweep

POOL = InThisProcess()
INTERVAL = "replication.checkpoint_interval"
LATENCY = "link.latency"
FORGETFUL = minute(**{"replication.hypervisor_writes": "missed"}, name="forgetful")


@dataclass(frozen=True)
class Study:
    """A study: how it is made, how it is put into a folder, and its report."""

    make: Callable[[], Any]
    put: Callable[[Any, Path], object]
    report: Callable[[Any], Page]


def _sweep(keys: dict[str, str], **options: Any) -> Study:
    """A sweep of which some points may have failed."""
    scenario = options.pop("scenario", minute())

    def run(**where: Any) -> Sweep:
        return sweep(scenario, keys, executor=POOL, **options, **where)

    return Study(run, lambda _, folder: run(out=folder), sweep_report)


def _protocols() -> Comparison:
    columns, impossible = under_protocols(small("two-vcpus"), ["page-write-protect", "output-compare", "record-replay"])
    brief = {name: scenario.with_(duration="5 ms", **{"failures.0.at": "2 ms"}) for name, scenario in columns.items()}
    return replace(compare(brief, replications=2, executor=POOL), impossible=impossible)


def _scenarios() -> Comparison:
    return compare([minute(name="<b>sound</b>"), FORGETFUL], replications=1, executor=POOL)


def _interrupted() -> Comparison:
    return compare({"one": minute(), "two": minute()}, replications=2, executor=POOL, progress=after(1))


def _replications() -> Replications:
    return replicate(minute(), 4, executor=POOL)


STUDIES: dict[str, Study] = {
    "sweep": _sweep({INTERVAL: "80us,150us,2s", LATENCY: "2us,20us"}, replications=2),
    "sweep of one key": _sweep({LATENCY: "2us,20us"}),
    "sweep of three keys": _sweep({LATENCY: "2us", INTERVAL: "80us,150us", "seed": "1,2"}),
    "sweep without failures": _sweep({LATENCY: "2us,20us"}, scenario=minute(failures=[])),
    "sweep that breaks an invariant": _sweep({"replication.hypervisor_writes": "logged,missed"}),
    "sweep of which nothing can be run": _sweep({INTERVAL: "1s,2s"}),
    "unfinished sweep": _sweep({INTERVAL: "80us,150us", LATENCY: "2us,20us"}, progress=after(3)),
    "comparison": Study(_protocols, export_comparison, comparison_report),
    "comparison that breaks an invariant": Study(_scenarios, export_comparison, comparison_report),
    "unfinished comparison": Study(_interrupted, export_comparison, comparison_report),
    "replications": Study(_replications, export_replications, replications_report),
    "replications of what breaks an invariant": Study(
        lambda: replicate(FORGETFUL, 2, executor=POOL), export_replications, replications_report
    ),
}


@cache
def made(name: str) -> Any:
    """Return a study, which is made once."""
    return STUDIES[name].make()


@cache
def report(name: str) -> Page:
    """Return the report of a study."""
    return STUDIES[name].report(made(name))


def put(name: str, folder: Path) -> None:
    """Let a study leave behind what its command does."""
    STUDIES[name].put(made(name), folder)
