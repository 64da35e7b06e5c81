"""The summary of a run that a person reads in ten seconds, for a terminal."""

import re
import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from vmfailover.audit.invariants import INVARIANTS, Verdict
from vmfailover.records.metric_values import Metrics
from vmfailover.report.ascii import in_ascii
from vmfailover.report.blackout import blackout_length, blackout_remark
from vmfailover.report.breakdown import breakdown
from vmfailover.results.outcome import headline
from vmfailover.results.quantities import (
    bit_rate,
    counted,
    duration,
    percentiles,
    share,
    short_count,
    size,
    three_digits,
)
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.replication import Replication

#: Longer lines are hard to read.
WIDEST = 100
_INDENT = 9
#: Compiling that takes less is not told of, nanoseconds.
_LONG_NS = 10**9
#: What slows the guest down, by the names that metrics give it.
_CAUSES = {"pause": "pause", "early_copy": "early copies", "stall": "stall", "fault": "fault"}
_NO_BREAK = "\N{NO-BREAK SPACE}"
#: Where a long line is broken, the best places first: after a sentence, a clause, an item.
_BREAKS = (r"(?<=\.) ", r"(?<=;) ", r"(?<=,) ")


def print_summary(result: RunResult, console: Console) -> None:
    """Print the summary of a run, in ASCII if the console has no Unicode."""
    unicode = console.encoding.startswith("utf")
    for line in summary(result, min(console.width, WIDEST)):
        console.print(line if unicode else in_ascii(line), soft_wrap=True)


def summary(result: RunResult, width: int) -> Iterator[Text]:
    """Yield the lines of the summary of a run, at most `width` characters long if their words allow it."""
    yield _title(result)
    yield from _verdict(result, width)
    bar = list(breakdown(result, width))
    yield from [Text(), *bar] if bar else []
    yield Text()
    yield from _groups(result, width)


def _title(result: RunResult) -> Text:
    protocol = result.scenario.replication.protocol
    return Text.assemble((result.scenario.name, "bold"), f" · seed {result.seed} · {protocol}")


def _verdict(result: RunResult, width: int) -> Iterator[Text]:
    style = "bold red" if not result.consistent else "yellow" if result.interrupted else "green"
    return (Text(line, style=style) for line in _wrapped(headline(result), width))


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken between sentences and clauses if that will do.

    No line parts a number from its unit or a tick from its name.
    """
    joined = re.sub(r"(?<=[\d✓✗]) ", _NO_BREAK, text)
    lines = (line for paragraph in joined.splitlines() for line in _packed(paragraph, max(20, width), _BREAKS))
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _packed(text: str, width: int, breaks: Sequence[str]) -> list[str]:
    """Fill lines with the pieces between breaks, and break up further a piece that is longer than a line."""
    if len(text) <= width or not breaks:
        return textwrap.wrap(text, width)
    lines: list[str] = []
    for piece in re.split(breaks[0], text):
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines += _packed(piece, width, breaks[1:])
    return lines


def _groups(result: RunResult, width: int) -> Iterator[Text]:
    """The lines about each subject, whose name stands before the first."""
    for name, content in subjects(result):
        for number, line in enumerate(_wrapped(content, width - _INDENT)):
            text = Text.assemble((f"{'' if number else name:{_INDENT}}", "bold"), line)
            text.highlight_regex("✓", "green")
            text.highlight_regex("✗.*", "bold red")
            yield text


def subjects(result: RunResult) -> Iterator[tuple[str, str]]:
    """Yield each subject of a run with the lines about it."""
    values = result.values
    yield "guest", _guest(values)
    if values["checkpoint.count"] is not None:
        yield "epochs", _epochs(values)
    if values["migration.rounds"]:
        yield "moved", _migration(values)
    if values["log.entries"]:
        yield "log", _log(values)
    yield "link", _link(values)
    if len(result.scenario.detection.stages) > 1:
        yield "detector", _detector(result)
    yield "clients", _clients(result)
    yield "loss", _loss(result)
    if values["exposure.total_ns"]:
        yield "exposed", _exposed(values)
    yield "proof", _proof(result.verdicts)
    if result.remarks:
        yield "notes", "\n".join(result.remarks)
    yield "run", _run(values)


def _guest(values: Metrics) -> str:
    shares = {name: values[f"guest.{name}_fraction"] for name in _CAUSES}
    causes = ", ".join(f"{_CAUSES[name]} {share(part)}" for name, part in shares.items() if part)
    slower = f"{share(values['guest.slowdown'])} slower than without protection"
    return f"{slower} ({causes})" if causes else slower


def _epochs(values: Metrics) -> str:
    committed = counted(values["checkpoint.count"], "checkpoint") + " committed"
    if not values["checkpoint.count"]:
        return committed
    period = duration(values["checkpoint.period_mean_ns"])
    number = values["checkpoint.count"]
    pause = percentiles(values, "checkpoint.pause", number=number)
    latency = percentiles(values, "checkpoint.commit_latency", number=number)
    return f"{committed}, one every {period}\npause {pause}; commit latency {latency}"


def _migration(values: Metrics) -> str:
    """The rounds of a planned evacuation, and how long it took, as far as it came."""
    rounds = f"{counted(values['migration.rounds'], 'round')} with {size(values['migration.bytes'])}"
    if values["migration.total_ns"] is None:
        return f"{rounds}; not done by the end"
    total, downtime = (duration(values[f"migration.{name}_ns"]) for name in ("total", "downtime"))
    converged = "" if values["migration.converged"] else "; did not converge"
    return f"{rounds} in {total}, the VM stopped for {downtime}{converged}"


def _log(values: Metrics) -> str:
    entries, duplicates = values["log.entries"] or 0, values["log.duplicates"] or 0
    causes = {name: values[f"log.{name}"] or 0 for name in ("castout", "scan", "transfer")}
    causes["software"] = entries - sum(causes.values())
    listed = ", ".join(f"{name} {short_count(number)}" for name, number in causes.items() if number)
    repeated = f" ({share(duplicates / entries)})" if duplicates else ""
    stall = values["log.stall_ns"]
    return (
        f"{counted(entries, 'entry', 'entries')}{f': {listed}' if listed else ''}\n"
        f"{counted(duplicates, 'duplicate')}{repeated}; peak fill {share(values['log.peak_fill'])}; "
        f"{counted(values['log.interrupts'], 'interrupt')}; {f'stalled {duration(stall)}' if stall else 'no stall'}"
    )


def _link(values: Metrics) -> str:
    amplification = values["replication.amplification"]
    times = "" if amplification is None else f"; {three_digits(amplification)} × the bytes modified"
    sent = f"{size(values['replication.bytes'])} in {counted(values['replication.lines'], 'line')}"
    return f"{sent}; mean {bit_rate(values['replication.bandwidth_bps'])}{times}"


def _detector(result: RunResult) -> str:
    """The stages of a verdict with their arithmetic, and how often a host was heard again in the later ones."""
    stages = result.scenario.detection.stages
    told = [duration(stage.longest_ns) + (f" ({stage.arithmetic})" if stage.arithmetic else "") for stage in stages]
    passed = ", then ".join(f"{stage.name} {time}" for stage, time in zip(stages, told, strict=True))
    total = duration(sum(stage.longest_ns for stage in stages))
    forgiven = sum(event.kind == "forgive" for event in result.event_rows)
    heard = f"; heard again and forgiven: {counted(forgiven, 'time')}" if forgiven else ""
    return f"{passed}; {total} in all{heard}"


def _clients(result: RunResult) -> str:
    if result.scenario.clients is None:
        return "none in this scenario"
    values = result.values
    told = [each for each in (blackout_length(result), blackout_remark(result)) if each]
    gap = f"blackout {', '.join(told)}; " if told else ""
    unanswered = counted(result.unanswered, "request") + " unanswered"
    answered = f"{gap}{counted(len(result.responses), 'answer')}, {unanswered}"
    if result.unanswered:
        answered += f" (clients ask again after {duration(result.scenario.clients.retry)})"
    if not values["client.requests"]:
        return answered
    latency = percentiles(values, "client.latency", ("p50", "p99", "p999"), number=values["client.requests"])
    return "\n".join([f"response time {latency}", answered, *_phases(values)])


def _phases(values: Metrics) -> Iterator[str]:
    """Before, across and after an outage, if there was one: response times of what was sent then."""
    phases = [phase for phase in ("before", "across", "after") if values[f"client.{phase}.requests"]]
    for phase in phases if values["client.blackout_ns"] is not None else ():
        number = values[f"client.{phase}.requests"]
        latency = percentiles(values, f"client.{phase}.latency", number=number)
        yield f"{phase} the outage: {counted(number, 'request')}, {latency}"


def _loss(result: RunResult) -> str:
    values = result.values
    work = values["loss.work_ns"]
    protocol = result.scenario.replication
    since = "no work lost" if work is None else f"{duration(work)} of work since {_last_kept(protocol)}"
    split = values["loss.split_brain_ns"]
    lost = f"{since}; {counted(values['loss.outputs'], 'output')} lost"
    if not split:
        return lost
    outputs = counted(values["loss.split_brain_outputs"], "answer")
    lines = counted(values["loss.diverged_lines"], "line")
    return f"{lost}\nboth hosts ran the VM for {duration(split)}: {outputs} from the old one, {lines} diverged"


def _last_kept(protocol: Replication) -> str:
    """What the second host goes on from."""
    if protocol.makes_checkpoints:
        return "the last committed checkpoint"
    return "the state that the second host had" if protocol.replicates else "the VM was started"


def _exposed(values: Metrics) -> str:
    """How long the VM was without a second host, what it took to get one, and to go back."""
    lines = [f"{duration(values['exposure.total_ns'])} without a second host"]
    if values["reprotection.count"]:
        took, stopped = (duration(values[f"reprotection.{name}_ns"]) for name in ("synchronisation", "stopped"))
        lines[0] += f"; {counted(values['reprotection.count'], 'synchronisation')}"
        lines.append(f"synchronised in {took} with {size(values['reprotection.bytes'])}, stopped for {stopped}")
    if values["failback.count"]:
        blackout = values["failback.blackout_ns"]
        gap = "" if blackout is None else f", blackout {duration(blackout)}"
        lines.append(f"moved back in {duration(values['failback.latency_ns'])}{gap}")
    return "\n".join(lines)


def _proof(verdicts: tuple[Verdict, ...]) -> str:
    """All that holds in one paragraph, and one before it for each invariant that does not."""
    broken = [f"✗ {_name(verdict)} IS BROKEN: {verdict.detail}" for verdict in verdicts if verdict.broken]
    ticks = "  ".join(f"✓ {_name(verdict)}" for verdict in verdicts if verdict.holds and not verdict.waived)
    judged = {verdict.name for verdict in verdicts}
    unpromised = ", ".join(name.replace("_", " ") for name in INVARIANTS if name not in judged)
    notes = [f"{_name(verdict)} is {verdict.detail}" for verdict in verdicts if verdict.waived]
    notes += [f"not promised by this protocol: {unpromised}"] if unpromised else []
    return "\n".join([*broken, ticks, *notes])


def _name(verdict: Verdict) -> str:
    return verdict.name.replace("_vm", "_VM").replace("_", _NO_BREAK)


def _run(values: Metrics) -> str:
    compiling_ns = (values["run.compile_seconds"] or 0) * 1e9
    took = duration((values["run.wall_seconds"] or 0) * 1e9 - compiling_ns)
    speed = short_count(values["run.accesses_per_second"])
    first = f" after compiling for {duration(compiling_ns)}" if compiling_ns >= _LONG_NS else ""
    return f"{short_count(values['run.accesses'])} accesses in {took}{first}, {speed} a second"
