"""Kinds of a package that is not part of the product: found by its entry points, settings included, everywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scenarios_for_tests import BASE, merged

ROOT = Path(__file__).parents[2]
PROTOCOL = '''
from typing import ClassVar

from vmfailover.replication.protocols.page_dirty_bits import PageDirtyBitsSettings
from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import Duration


class ListSpec(Record):
    """The list of pages that the hardware keeps."""

    entry: Duration = written("10 ns")
    """Time to read an entry, in nanoseconds."""


class ListedPagesSettings(PageDirtyBitsSettings):
    """Pages whose dirty bit is set are in a list."""

    code: ClassVar[str] = "listed_pages.protection:ListedPages"

    page_list: ListSpec = ListSpec()
    """Of listed-pages."""
'''
CODE = """
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.protocols.page_dirty_bits.protection import PageDirtyBits

from listed_pages import ListedPagesSettings


class ListedPages(PageDirtyBits):
    def new_tracker(self, hosted):
        settings = ListedPagesSettings.of(self.context.scenario.replication)
        return FirstStores(self.context, hosted, lambda pages: pages.size * settings.page_list.entry)
"""
LISTED = {"protocol": "listed-pages", "page_list": {"entry": "50 ns"}}
BRIEF = {"duration": "8 ms", "failures": [{"at": "5500 us", "kind": "host-crash"}]}
PAUSE = "checkpoint.pause_p50_ns"


def write_package(folder: Path, name: str, modules: Mapping[str, str], entry_points: Mapping[str, str]) -> None:
    """Write a package, installed into a folder: its modules by their names, and its entry points by their groups."""
    (folder / name).mkdir(parents=True)
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text, encoding="utf-8")
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    groups = (f"[vmfailover.{group}]\n{line}\n" for group, line in entry_points.items())
    (about / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def scenario_file(folder: Path, changes: Mapping[str, Any], name: str = "x.yaml") -> Path:
    path = folder / name
    path.write_text(json.dumps(merged(merged(BASE, BRIEF), changes), indent=1), encoding="utf-8")
    return path


def vmfailover(packages: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command where packages of a folder are installed."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{packages}"}
    command = [sys.executable, "-m", "vmfailover", *map(str, arguments)]
    return subprocess.run(command, cwd=packages, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def listed_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    write_package(
        folder,
        "listed_pages",
        {"__init__": PROTOCOL, "protection": CODE},
        {"protocols": "listed-pages = listed_pages:ListedPagesSettings"},
    )
    return folder


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def pause_of(packages: Path, path: Path, *more: str) -> int:
    return int(answer(vmfailover(packages, "run", path, "--json", *more))["metrics"][PAUSE])


@pytest.mark.slow
def test_a_protocol_runs_by_what_its_own_setting_says(listed_pages: Path, tmp_path: Path) -> None:
    path = scenario_file(tmp_path, {"replication": LISTED})
    slower = pause_of(listed_pages, path, "--set", "replication.page_list.entry=200 ns")
    assert slower > pause_of(listed_pages, path) + 10_000


@pytest.mark.slow
def test_it_is_compared_with_ours_in_a_file_with_keys_of_both(listed_pages: Path, tmp_path: Path) -> None:
    both = {"replication": {**LISTED, "undo_log": {"placement": "local"}}}
    names = "listed-pages,undo-log,cacheline-flags"
    done = vmfailover(
        listed_pages, "compare", scenario_file(tmp_path, both), "--protocols", names, "--replications", 1, "--json"
    )
    assert list(json.loads(done.stdout)["columns"]) == names.split(",")
    assert done.returncode == 0


@pytest.mark.slow
def test_two_processes_sweep_its_setting(listed_pages: Path, tmp_path: Path) -> None:
    path, out = scenario_file(tmp_path, {"replication": LISTED}), tmp_path / "out"
    key = "replication.page_list.entry"
    done = vmfailover(listed_pages, "sweep", path, "-p", f"{key}=10ns,100ns,300ns", "--jobs", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    points = pd.read_parquet(out).sort_values(key)
    assert list(points["error"]) == [""] * 3
    assert points[PAUSE].is_monotonic_increasing
    assert points[PAUSE].is_unique


#: What is wrong, the key at whose line that is told, and how.
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"page_list": {"entry": 50}}, "entry", "replication.page_list.entry: 50 has no unit"),
    ({"page_list": {"entyr": "50 ns"}}, "entyr", "page_list.entyr: unknown key; did you mean 'entry'?"),
    ({"page_lits": {}}, "page_lits", "replication.page_lits: unknown key; did you mean 'page_list'?"),
    ({"protocol": "listed-page"}, "protocol", "'listed-page' is unknown; did you mean 'listed-pages'?"),
    ({"protocol": "undo-log"}, "page_list", "replication.page_list: belongs to listed-pages; leave it out"),
]


def test_what_is_wrong_with_it_is_told_with_its_place(listed_pages: Path, tmp_path: Path) -> None:
    changes = [{"replication": {**LISTED, **replication}} for replication, _, _ in WRONG]
    files = [scenario_file(tmp_path, each, f"{number}.yaml") for number, each in enumerate(changes)]
    done = vmfailover(listed_pages, "validate", *files)
    assert done.returncode == 2
    for line, path, (_, place, words) in zip(done.stderr.splitlines(), files, WRONG, strict=True):
        assert words in line
        number = int(line.removeprefix(f"{path}:").partition(":")[0])
        assert f'"{place}"' in path.read_text(encoding="utf-8").splitlines()[number - 1]


def test_the_schema_has_it(listed_pages: Path) -> None:
    schema = answer(vmfailover(listed_pages, "schema"))
    replication = schema["$defs"]["Replication"]["properties"]
    assert "listed-pages" in replication["protocol"]["enum"]
    assert replication["page_list"]["$ref"] == "#/$defs/ListSpec"
    assert "entry" in schema["$defs"]["ListSpec"]["properties"]


#: Entry points that are none, and what is told of each.
BROKEN = {
    "lost = nowhere:Mine": "entry point lost: nowhere:Mine in vmfailover.protocols of the package mine: cannot be",
    "missing = mine:Missing": "cannot be imported, AttributeError: module 'mine' has no attribute 'Missing'",
    "three = mine:THREE": "entry point three: mine:THREE in vmfailover.protocols of the package mine: is not a",
}


def test_what_is_wrong_with_a_package_is_told_in_a_line(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    write_package(packages, "mine", {"__init__": "THREE = 3\n"}, {"protocols": "\n".join(BROKEN)})
    names = [each.partition(" = ")[0] for each in BROKEN]
    files = [scenario_file(tmp_path, {"replication": {"protocol": name}}, f"{name}.yaml") for name in names]
    done = vmfailover(packages, "validate", *files)
    assert (done.returncode, done.stdout) == (2, "")
    for line, path, words in zip(done.stderr.splitlines(), files, BROKEN.values(), strict=True):
        assert line.startswith(f"{path}:")
        assert words in line


def test_a_name_of_ours_is_taken(tmp_path: Path) -> None:
    write_package(tmp_path / "packages", "mine", {"__init__": ""}, {"protocols": "undo-log = mine:Mine"})
    done = vmfailover(tmp_path / "packages", "run", scenario_file(tmp_path, {}))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "entry point undo-log: mine:Mine in vmfailover.protocols of the package mine: the name is taken by" in line


def test_a_package_whose_kind_is_not_wanted_does_no_harm(tmp_path: Path) -> None:
    write_package(tmp_path / "packages", "mine", {"__init__": "1 / 0\n"}, {"protocols": "mine = mine:Mine"})
    done = vmfailover(tmp_path / "packages", "validate", scenario_file(tmp_path, {}))
    assert (done.returncode, done.stderr) == (0, "")


KINDS = """
from typing import ClassVar

from vmfailover.failover.detection.heartbeat import HeartbeatSettings
from vmfailover.guest.workloads.synthetic import SyntheticPhase
from vmfailover.scenario.failover import Failure, Fencing
from vmfailover.scenario.record import written
from vmfailover.scenario.units import Duration
from vmfailover.scenario.workload import Workload


class Patient(HeartbeatSettings):
    code: ClassVar[str] = "mine.code:PatientDetector"

    patience: Duration = written("1 ms")


class Courier(Fencing):
    code: ClassVar[str] = "mine.code:Courier"

    trip: Duration = written("100 us")


class Fire(Failure):
    fatal: ClassVar[bool] = True
    happened: ClassVar[str] = "burned down"

    def strike(self, part, report):
        part.crash()


class Half(Workload):
    code: ClassVar[str] = "mine.code:half"

    kind: str
    pattern: SyntheticPhase
"""
KINDS_CODE = """
from mine import Courier as CourierSettings
from mine import Half, Patient

from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.guest.workloads.synthetic.accesses import SyntheticAccesses


class PatientDetector(HeartbeatDetector):
    @property
    def patience_ns(self):
        return super().patience_ns + Patient.of(self.spec).patience


class Courier:
    def __init__(self, env, spec, random):
        self.env, self.trip_ns = env, CourierSettings.of(spec).trip

    def fence(self, victim, by):
        yield self.env.timeout(self.trip_ns)
        victim.crash()
        return True


def half(spec, vcpus, line_bytes, seed):
    return SyntheticAccesses(Half.of(spec).pattern, vcpus, line_bytes, seed)
"""
ALL_MINE: dict[str, Any] = {
    "detection": {"kind": "patient", "patience": "700 us"},
    "fencing": {"kind": "courier", "trip": "123 us"},
    "failures": [{"at": "5500 us", "kind": "fire", "fixed": True}],
}


@pytest.mark.slow
def test_kinds_of_everything_else_run_by_what_their_own_settings_say(tmp_path: Path) -> None:
    names = {
        "detectors": "patient = mine:Patient",
        "fencing": "courier = mine:Courier",
        "faults": "fire = mine:Fire",
        "workloads": "half = mine:Half",
    }
    packages = tmp_path / "packages"
    write_package(packages, "mine", {"__init__": KINDS, "code": KINDS_CODE}, names)
    pattern = {"kind": "half", "pattern": {"kind": "uniform", "working_set": "512 KiB"}}
    path = scenario_file(tmp_path, {**ALL_MINE, "workload": pattern})
    found, later = (
        answer(vmfailover(packages, "run", path, "--json", *more))["metrics"]
        for more in ((), ("--set", "detection.patience=900us"))
    )
    assert found["failover.fencing_ns"] == 123_000
    assert later["failover.detection_ns"] == found["failover.detection_ns"] + 200_000
    told = vmfailover(packages, "run", path)
    assert "The primary burned down at 5.50 ms" in " ".join(told.stdout.split())
    told = vmfailover(packages, "validate", path, "--set", "fencing.kind=stonith", "--set", "fencing.trip=1us")
    assert told.returncode == 0
    assert "fencing.trip: stonith makes no use of it" in told.stdout + told.stderr
