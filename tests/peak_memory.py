"""How much memory a run really takes: the peak of a process of its own, less that of one that does next to nothing."""

import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

from scenarios_for_tests import small

from vmfailover.guest.workloads.workload import open_workload
from vmfailover.scenario import Scenario, load

#: A sampled guest that visits next to nothing.
_SAMPLED = Path(__file__).parents[1] / "scenarios" / "sixty-four-gib.yaml"
_NOTHING = ("duration=50ms", "failures=[]", "vm.memory=64MiB", "vm.in_use=none", "workload.sets.0.memory=64KiB")
#: No run of these tests needs more address space, bytes; one that would is ended.
MOST_BYTES = 12_000_000_000
_RUN = """
import json, re, sys
import vmfailover.traces.format
from vmfailover.scenario import Scenario, load
from vmfailover.simulation import run
from vmfailover.studies.memory_estimate import parts_of

scenario = Scenario.model_validate(json.load(sys.stdin))
parts_of(scenario)
assert run(scenario).consistent
status = open("/proc/self/status").read()  # getrusage would count what the process was that started this one
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024)
"""


def extra_bytes(scenario: Scenario) -> int:
    """Return the bytes that a run takes beside Python, its libraries and the compiled kernel."""
    next(open_workload(scenario.workload, scenario.vm.vcpus).chunks(0))  # compiles what generates it
    return _peak_bytes(scenario) - _idle_bytes(scenario.fidelity)


@cache
def _idle_bytes(fidelity: str) -> int:
    """Return the peak of a run that does next to nothing, and loads the code that others of its fidelity load."""
    if fidelity == "sampled":
        return _peak_bytes(load(_SAMPLED, _NOTHING))
    nothing = small("no-clients", failures=[], **{"vm.memory": "1 MiB", "workload.working_set": "64 KiB"})
    _peak_bytes(nothing)  # compiles what is not compiled yet
    return _peak_bytes(nothing)


def _peak_bytes(scenario: Scenario) -> int:
    text = scenario.model_dump_json(exclude_unset=True)
    child = subprocess.run(
        [sys.executable, "-c", _RUN], input=text, capture_output=True, text=True, check=False, preexec_fn=_limit
    )
    assert child.returncode == 0, child.stderr
    return int(child.stdout)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
