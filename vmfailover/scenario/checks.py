"""What has to hold between the keys of a scenario."""

from collections.abc import Callable, Iterator

from vmfailover.records.roles import Role
from vmfailover.scenario.bounds import step_problems
from vmfailover.scenario.errors import Problem
from vmfailover.scenario.expectation import Expectation
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.sizes import ADDRESS_BYTES, MOST_EXECUTED, MOST_LINES
from vmfailover.scenario.units import DURATION, SIZE


def scenario_problems(scenario: Experiment) -> Iterator[Problem]:
    """Yield each disagreement between keys of a scenario, with the key to change and a remedy."""
    for check in _CHECKS:
        yield from check(scenario)


def _lines(scenario: Experiment) -> Iterator[Problem]:
    primary, secondary = scenario.hosts.primary.line, scenario.hosts.secondary.line
    if primary != secondary:
        yield Problem(
            ("hosts", "secondary", "line"),
            f"{secondary} B differs from the primary's {primary} B; both hosts need the same line",
        )


def _cores(scenario: Experiment) -> Iterator[Problem]:
    for name, host in (("primary", scenario.hosts.primary), ("secondary", scenario.hosts.secondary)):
        if scenario.vm.vcpus > host.cores:
            yield Problem(
                ("vm", "vcpus"), f"{scenario.vm.vcpus} is more than the {host.cores} cores of hosts.{name}; use fewer"
            )


def _memory(scenario: Experiment) -> Iterator[Problem]:
    line, memory = scenario.image_line, scenario.vm.memory
    if memory % line:
        what = "the line" if line == scenario.hosts.primary.line else "the unit"
        yield Problem(("vm", "memory"), f"{SIZE.format(memory)} is not a multiple of {what} of {line} B")
    elif scenario.fidelity == "executed" and memory > MOST_EXECUTED:
        yield Problem(("vm", "memory"), f"the most is {SIZE.format(MOST_EXECUTED)}, or write 'fidelity: sampled'")
    if scenario.in_use > memory:
        yield Problem(("vm", "in_use"), f"more than vm.memory; write at most {SIZE.format(memory)}")
    if memory > MOST_LINES * line:
        yield Problem(("vm", "memory"), f"more than {MOST_LINES} lines; the most is {SIZE.format(MOST_LINES * line)}")


def _fidelity(scenario: Experiment) -> Iterator[Problem]:
    if scenario.fidelity == "sampled" and not scenario.workload.sampled:
        yield Problem(
            ("fidelity",),
            "only workloads of kind 'hot-sets' can be sampled; `vmfailover trace fit` makes one of a trace, "
            "or write 'executed'",
        )


def _request(scenario: Experiment) -> Iterator[Problem]:
    line, quarter = scenario.hosts.primary.line, scenario.vm.memory // 4
    if scenario.clients and scenario.clients.request > quarter // line * line:
        yield Problem(
            ("clients", "request"),
            f"{SIZE.format(scenario.clients.request)} is more than a quarter of vm.memory, "
            f"which holds the network's buffers; write at most {SIZE.format(quarter // line * line)}",
        )


def _stores(scenario: Experiment) -> Iterator[Problem]:
    line, quarter = scenario.hosts.primary.line, scenario.vm.memory // 4
    if scenario.clients and scenario.clients.stores > quarter // line * line:
        yield Problem(
            ("clients", "stores"),
            f"{SIZE.format(scenario.clients.stores)} is more than a quarter of vm.memory; "
            f"write at most {SIZE.format(quarter // line * line)}",
        )


def _log(scenario: Experiment) -> Iterator[Problem]:
    log, line = scenario.replication.log, scenario.hosts.primary.line
    least = least_log(scenario)
    if not scenario.replication.uses_log:
        return
    if log.size < line:
        yield Problem(("replication", "log", "size"), f"less than one line; write at least {SIZE.format(least)}")
    elif log.size < least and log.when_full == "stall":
        yield Problem(
            ("replication", "log", "size"),
            f"{SIZE.format(log.size)} cannot take what one request and one access of each vCPU log, 8 B each, beside "
            f"the line that stays free; write at least {SIZE.format(least)}",
        )
    elif log.size < least:
        yield Problem(
            ("replication", "log", "size"),
            f"{SIZE.format(log.size)} is not beyond the guard band (L2 rows and stores in flight, 8 B each); "
            f"write at least {SIZE.format(least)}, or 'when_full: stall'",
        )


def _granularity(scenario: Experiment) -> Iterator[Problem]:
    granularity, line = scenario.replication.granularity, scenario.hosts.primary.line
    protocol = scenario.replication
    least = max(line, protocol.least_granularity)
    if granularity is None:
        return
    given, path = SIZE.format(granularity), ("replication", "granularity")
    if granularity < least:
        what = "a page" if protocol.least_granularity > line else "the hosts' line"
        yield Problem(path, f"{given} is less than {what}; write at least {SIZE.format(least)}, or choose other hosts")
    elif granularity & (granularity - 1):
        yield Problem(path, f"{given} is not a power of two; write for example {SIZE.format(least)}")
    elif protocol.keeps_undo and granularity != line:
        yield Problem(path, f"{protocol.protocol} logs lines; write {SIZE.format(line)}, or leave it out")


def _vcpus(scenario: Experiment) -> Iterator[Problem]:
    most = scenario.replication.most_vcpus
    if most and scenario.vm.vcpus > most:
        yield Problem(
            ("vm", "vcpus"), f"{scenario.replication.protocol} protects VMs of {most} vCPU; write at most {most}"
        )


def _of_kinds(scenario: Experiment) -> Iterator[Problem]:
    for section in (scenario.replication, scenario.detection, scenario.fencing, *scenario.failures):
        yield from section.problems(scenario)


def _quorum(scenario: Experiment) -> Iterator[Problem]:
    yield from scenario.quorum.problems()


def _reprotection(scenario: Experiment) -> Iterator[Problem]:
    reprotection, replication = scenario.reprotection, scenario.replication
    if reprotection.failback is not None and not reprotection.possible:
        yield Problem(("reprotection", "failback"), "there is never a host to go back to; write 'repair: TIME' too")
    if not reprotection.possible:
        return
    if not replication.reprotects:
        able = ", ".join(name for name, each in Replication.kinds.items() if each.reprotects)
        yield Problem(
            ("reprotection",),
            f"{replication.protocol} protects a VM only once; leave it out, or choose a protocol of {able}",
        )
    if reprotection.failback is not None and not replication.fails_back:
        able = ", ".join(name for name, each in Replication.kinds.items() if each.fails_back)
        yield Problem(
            ("reprotection", "failback"),
            f"{replication.protocol} does not move a VM as planned; write none, or choose of {able}",
        )
    if not scenario.fencing.fences:
        yield Problem(
            ("fencing", "kind"),
            "a host that is not fenced may still run the VM, which cannot be protected then; write stonith",
        )


def guard_band(scenario: Experiment) -> int:
    """Return the addresses that may still come once the log should be emptied (US 9519502), on the needier host.

    A processor that stalls on a full log needs none, nor does a protocol without a log.
    """
    if scenario.replication.log.when_full == "stall" or not scenario.replication.uses_log:
        return 0
    hosts = (scenario.hosts.primary, scenario.hosts.secondary)
    return max(scenario.vm.vcpus * (host.l2.size // host.line + host.store_queue) for host in hosts)


def request_entries(scenario: Experiment) -> int:
    """Return the addresses that one request may log.

    That is two for each line that it fills, a flagged copy's and the hypervisor's, and two for each that the guest
    stores to, those of the row that it drives out and of another core's.
    """
    if scenario.clients is None or not scenario.replication.uses_log:
        return 0
    line = scenario.hosts.primary.line
    return 2 * (-(-scenario.clients.request // line) + -(-scenario.clients.stores // line))


def least_log(scenario: Experiment) -> int:
    """Return the bytes of the smallest log with which the VM can run: whole lines, one of which stays free."""
    line = scenario.hosts.primary.line
    entries = guard_band(scenario) + request_entries(scenario) + scenario.vm.vcpus
    return line * (1 + -(-entries * ADDRESS_BYTES // line))


def log_bytes(scenario: Experiment) -> int:
    """Return the bytes of the address log, as good as none for a protocol without one."""
    return scenario.replication.log.size if scenario.replication.uses_log else least_log(scenario)


def log_capacity(scenario: Experiment) -> int:
    """Return the entries of the address log that can be in use at once."""
    line, size = scenario.hosts.primary.line, log_bytes(scenario)
    return (size - size % line - line) // ADDRESS_BYTES


def _times(scenario: Experiment) -> Iterator[Problem]:
    replication = scenario.replication
    if scenario.warm_up >= scenario.duration:
        yield Problem(("warm_up",), f"nothing is left of the run; write less than {DURATION.format(scenario.duration)}")
    if replication.checkpoint_interval > scenario.duration and "checkpoint_interval" not in replication.unused:
        yield Problem(
            ("replication", "checkpoint_interval"),
            f"longer than the run; write at most {DURATION.format(scenario.duration)}, or a longer 'duration'",
        )
    if replication.scan_interval is not None and replication.scan_interval >= replication.checkpoint_interval:
        yield Problem(
            ("replication", "scan_interval"),
            "no scan falls between two checkpoints; write less than "
            f"{DURATION.format(replication.checkpoint_interval)}, or none",
        )


def _failures(scenario: Experiment) -> Iterator[Problem]:
    for index, failure in enumerate(scenario.failures):
        if failure.at is not None and failure.at >= scenario.duration:
            yield Problem(
                ("failures", index, "at"),
                f"after the end of the run; write less than {DURATION.format(scenario.duration)}, "
                "or a longer 'duration'",
            )
        if scenario.reprotection.lacks(failure.struck):
            yield Problem(("failures", index, "target"), f"there is no {failure.struck}; raise reprotection.spares")
    if scenario.reprotection.repair is not None:
        return
    crashes = [failure.struck if failure.once else None for failure in scenario.failures]
    for target in Role:
        if crashes.count(target) > 1:
            last = len(crashes) - 1 - crashes[::-1].index(target)
            yield Problem(("failures", last, "target"), f"the {target} can crash only once; remove one failure")


def _workload(scenario: Experiment) -> Iterator[Problem]:
    yield from scenario.workload.problems(scenario)


def _expectations(scenario: Experiment) -> Iterator[Problem]:
    for metric, text in scenario.expect.items():
        try:
            Expectation.parse(metric, text)
        except ValueError as error:
            yield Problem(("expect", metric), str(error))


_CHECKS: tuple[Callable[[Experiment], Iterator[Problem]], ...] = (
    _lines,
    _cores,
    _memory,
    _fidelity,
    _request,
    _stores,
    _granularity,
    _vcpus,
    _log,
    _times,
    _of_kinds,
    _failures,
    _quorum,
    _reprotection,
    _workload,
    step_problems,
    _expectations,
)
