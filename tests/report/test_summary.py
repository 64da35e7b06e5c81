"""The summary of a run: what it says, and that it fits the terminal."""

import re
from dataclasses import replace
from io import BytesIO, TextIOWrapper

import pytest
from rich.console import Console
from scenarios_for_tests import small

from vmfailover.audit.invariants import Verdict
from vmfailover.report.summary import print_summary, summary
from vmfailover.results.outcome import headline
from vmfailover.results.quantities import bit_rate, counted, duration, share, short_count
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

from .outcomes import INTERRUPTED, OUTCOMES, outcome

SUBJECTS = ["guest", "epochs", "moved", "log", "link", "clients", "loss", "proof", "notes", "run"]
#: Protocols without an address log, which have something to say of themselves.
OTHERS = {"evacuation": "live-precopy", "outputs compared": "output-compare"}
#: What a line looks like that parts a number from its unit, or a tick from its name.
UNIT_FIRST = re.compile(r" *([nµm]?s|%|[kMGT]?(B|bit/s)|[kMGT])([ ,;.)]|$)")
TICK_LAST = re.compile(r"[✓✗]$")
EVERY = [*OUTCOMES, INTERRUPTED]


def lines(result: RunResult, width: int = 100) -> list[str]:
    return [line.plain for line in summary(result, width)]


def about(name: str) -> dict[str, str]:
    """Return what a summary says about each subject."""
    subjects: dict[str, str] = {}
    for line in lines(outcome(name)):
        subject, text = line[:9].strip(), line[9:]
        if subject in SUBJECTS:
            subjects[subject] = text
        elif not subject and subjects:
            subjects[list(subjects)[-1]] += f" {text}"
    return subjects


def printed(result: RunResult, width: int, encoding: str, *, terminal: bool = False) -> str:
    screen = BytesIO()
    file = TextIOWrapper(screen, encoding)
    print_summary(result, Console(file=file, width=width, highlight=False, force_terminal=terminal))
    file.flush()
    return screen.getvalue().decode(encoding)


@pytest.mark.parametrize("name", EVERY)
def test_every_subject_is_there_once_and_in_order(name: str) -> None:
    checkpoints = outcome(name).values["checkpoint.count"] is not None
    left_out = {"epochs" if not checkpoints else "moved", "log" if name in OTHERS else ""}
    left_out |= set() if outcome(name).remarks else {"notes"}
    assert list(about(name)) == [subject for subject in SUBJECTS if subject not in left_out]
    protocol = OTHERS.get(name, "cacheline-flags")
    assert lines(outcome(name))[0].startswith(f"{outcome(name).scenario.name} · seed 7 · {protocol}")


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("name", EVERY)
def test_fits_the_terminal(name: str, width: int) -> None:
    _title, *shown = lines(outcome(name), width)
    assert max(map(len, shown)) <= width
    assert not [line for line in shown if UNIT_FIRST.match(line) or TICK_LAST.search(line)]


@pytest.mark.parametrize("name", EVERY)
def test_the_width_changes_no_word(name: str) -> None:
    def words(width: int) -> list[str]:
        return [word for line in lines(outcome(name), width) for word in line.split() if set(word) - set("█▓▒░")]

    assert words(60) == words(80) == words(1000)


def test_the_facts_of_a_failover() -> None:
    values, told = outcome("failover").values, about("failover")
    assert told["guest"].startswith(f"{share(values['guest.slowdown'])} slower than without protection (pause ")
    assert told["epochs"].startswith("6 checkpoints committed, one every 1.00 ms pause p50 ")
    assert told["log"].startswith(f"{counted(values['log.entries'], 'entry', 'entries')}: castout ")
    assert f"mean {bit_rate(values['replication.bandwidth_bps'])}; " in told["link"]
    assert f"blackout {duration(values['client.blackout_ns'])}; " in told["clients"]
    assert (
        told["loss"]
        == f"{duration(values['loss.work_ns'])} of work since the last committed checkpoint; no outputs lost"
    )
    assert told["proof"].split("  ")[0] == "✓ image"
    assert told["proof"].count("✓") == len(outcome("failover").verdicts)
    assert told["run"].endswith(" a second")


def test_a_blackout_whose_end_was_not_seen_is_a_lower_bound() -> None:
    result, told = outcome("unfinished failover"), about("unfinished failover")
    assert (
        told["clients"].count(f"blackout ≥ {duration(result.values['client.blackout_ns'])}, to the end of the run; ")
        == 1
    )
    assert "≥" not in about("failover")["clients"].split("; ")[0]


ONE_AFTER_THE_OTHER = [
    {"at": f"{at} us", "kind": "host-crash", "target": host} for at, host in ((2300, "secondary"), (6300, "primary"))
]


def test_a_silence_that_follows_the_first_outage_is_told() -> None:
    result = run(small(failures=ONE_AFTER_THE_OTHER))
    assert "the VM was lost" in headline(result)
    silent_ns = result.end_ns - result.responses[-1].received_ns
    assert silent_ns > (result.values["client.blackout_ns"] or 0)
    assert f", then no answer in the last {duration(silent_ns)}; " in " ".join(lines(result, 1000))


def test_when_clients_ask_again_is_told_beside_what_was_not_answered() -> None:
    assert " unanswered (clients ask again after 1.00 ms)" in about("unfinished failover")["clients"]
    assert "ask again" not in about("no failure")["clients"] or outcome("no failure").unanswered


@pytest.mark.parametrize(
    ("protocol", "since"),
    [("cold-restart", "the VM was started"), ("record-replay", "the state that the second host had")],
)
def test_lost_work_is_since_what_the_second_host_goes_on_from(protocol: str, since: str) -> None:
    told = " ".join(lines(run(small(**{"replication.protocol": protocol})), 1000))
    assert f"of work since {since}; " in told


def test_the_causes_of_log_entries_add_up() -> None:
    values = outcome("several vCPUs").values
    exact = {name: int(values[f"log.{name}"] or 0) for name in ("castout", "scan", "transfer")}
    software = int(values["log.entries"] or 0) - sum(exact.values())
    told = about("several vCPUs")["log"]
    assert all(f"{name} {short_count(number)}" in told for name, number in exact.items() if number)
    assert f"software {short_count(software)}" in told


def test_no_failure() -> None:
    told = about("no failure, no clients")
    assert told["loss"] == "no work lost; no outputs lost"
    assert told["clients"] == "none in this scenario"


def test_no_checkpoint() -> None:
    assert about("no checkpoint")["epochs"] == "no checkpoints committed"


def test_two_active_hosts_are_reported() -> None:
    told = about("false alarm without fencing")
    split = duration(outcome("false alarm without fencing").values["loss.split_brain_ns"])
    assert f"both hosts ran the VM for {split}: no answers from the old one, " in told["loss"]
    assert "lines diverged" in told["loss"]
    assert "one active VM is waived by fencing: none; both hosts ran the VM" in told["proof"]
    assert "✓ one active VM" not in told["proof"]
    assert "1 is waived, of which 1 does not hold" in headline(outcome("false alarm without fencing"))


def test_a_broken_invariant_stands_first() -> None:
    told = about("broken")
    assert told["proof"].startswith("✗ image IS BROKEN: ")
    assert "lines differ from what epoch" in told["proof"]
    assert told["proof"].count("✗") == 3


def test_styles_tell_good_from_bad() -> None:
    assert "\x1b[32mEvery invariant holds." in printed(outcome("late failure"), 80, "utf-8", terminal=True)
    assert "\x1b[1;31mBROKEN: 3 invariants, see proof." in printed(outcome("broken"), 80, "utf-8", terminal=True)
    assert "\x1b[33mInterrupted at " in printed(outcome(INTERRUPTED), 80, "utf-8", terminal=True)


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
@pytest.mark.parametrize("name", EVERY)
def test_in_ascii(name: str, encoding: str) -> None:
    text = printed(outcome(name), 80, encoding)
    assert text.isascii()
    assert "?" not in text
    waived = outcome(name).scenario.fencing.kind == "none"
    assert ("one active VM is waived" if waived else "+ one active VM") in text


def test_a_name_beyond_ascii() -> None:
    result = outcome("failover")
    named = replace(result, scenario=result.scenario.model_copy(update={"name": "Überfall 障害"}))
    assert printed(named, 80, "ascii").startswith("?berfall ?? - seed 7")
    assert printed(named, 80, "utf-8").startswith("Überfall 障害 · seed 7")


def test_markup_in_a_name_is_text() -> None:
    result = outcome("failover")
    named = replace(result, scenario=result.scenario.model_copy(update={"name": "[red]x[/]"}))
    assert printed(named, 80, "utf-8").startswith("[red]x[/] · seed 7")


def test_the_headline_of_a_failover() -> None:
    result = outcome("failover")
    later = duration(result.values["failover.latency_ns"])
    told = f"The primary crashed at 6.30 ms; {later} later the VM ran on the secondary. Every invariant holds."
    assert headline(result) == told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("late failure", "The primary crashed at 11.9 ms; the run ended before the secondary took over."),
        ("failure that never came", "No failure: the run ended before epoch 9999 was mid-scan."),
        ("no checkpoint", "No failure in this scenario; the VM ran protected for 12.0 ms, no checkpoints committed."),
        (INTERRUPTED, "Interrupted at 4.01 ms of 12.0 ms. No failure: the run ended before 6.30 ms."),
    ],
)
def test_headlines(name: str, expected: str) -> None:
    assert headline(outcome(name)) == f"{expected} Every invariant holds."


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        ("vm-crash", "primary", "The primary lost its VM at 6.30 ms; "),
        ("memory-error", "primary", "The primary had a memory error at 6.30 ms; "),
        ("power-loss", "both", "The primary lost its power at 6.30 ms; with the secondary down too"),
    ],
)
def test_the_headline_says_what_happened_to_the_host(kind: str, target: str, told: str) -> None:
    failure = {"at": "6300 us", "kind": kind, "target": target}
    assert headline(run(small(failures=[failure]))).startswith(told)


def test_the_headline_of_a_false_alarm() -> None:
    told = headline(outcome("false alarm"))
    assert told.startswith("False alarm: the secondary took over at ")
    assert told.endswith(" from a primary that had not failed. Every invariant holds.")


def test_the_headline_is_of_the_failure_that_led_to_the_takeover() -> None:
    crash = {"at": "6300 us", "kind": "host-crash", "target": "primary"}
    hang = {"at": "3 ms", "kind": "hypervisor-hang", "target": "primary", "lasts": "700 us"}
    told = headline(run(small(failures=[hang, crash])))
    assert told.startswith("The primary crashed at 6.30 ms; 1.93 ms later the VM ran on the secondary.")


CRASH = {"at": "3300 us", "kind": "host-crash", "target": "primary"}
HANG = {"at": "3 ms", "kind": "hypervisor-hang", "target": "primary", "lasts": "900 us"}


@pytest.mark.parametrize(
    ("failures", "duration_text", "told"),
    [
        (
            [HANG, {"at": "3300 us", "kind": "host-crash", "target": "primary"}],
            "12 ms",
            "The primary hung at 3.00 ms; ",
        ),
        ([HANG], "12 ms", "The primary hung at 3.00 ms and came back."),
        ([HANG, {**HANG, "at": "3800 us"}], "4 ms", "The primary hung at 3.00 ms; the run ended before "),
        ([HANG, {**HANG, "at": "5 ms"}], "5500 us", "The primary hung at 5.00 ms; the run ended before "),
        (
            [{**HANG, "target": "secondary", "lasts": None}],
            "3500 us",
            "No failover was needed; the VM ran protected for 3.00 ms of 3.50 ms, 2 checkpoints committed.",
        ),
    ],
)
def test_the_headline_is_of_the_faults_that_stand(
    failures: list[dict[str, object]], duration_text: str, told: str
) -> None:
    assert headline(run(small(failures=failures, duration=duration_text))).startswith(told)


def test_the_headline_counts_what_is_broken() -> None:
    result = outcome("no failure")
    broken = replace(result, verdicts=(Verdict("image", False, "line 1"), Verdict("output_commit", True)))
    assert headline(broken).endswith(" BROKEN: 1 invariant, see proof.")
