"""Every law holds in a sound run, and dies on one that is broken by hand."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.simulation import run

from .laws import LAWS, broken
from .seen import Seen

Break = Callable[[Seen], Seen]


@cache
def sound(variant: str = "base") -> Seen:
    return Seen.of(run(small(variant)))


def with_metrics(**values: Any) -> Break:
    """Return what gives metrics other values, a double underscore standing for the dot of a name."""
    return lambda seen: replace(
        seen, metrics={**seen.metrics, **{name.replace("__", "."): value for name, value in values.items()}}
    )


def without_metric(name: str) -> Break:
    return lambda seen: replace(seen, metrics={key: value for key, value in seen.metrics.items() if key != name})


def with_verdict(name: str, *, holds: bool, waived: bool = False) -> Break:
    verdict = {"holds": holds, "waived": waived, "detail": "broken by hand"}
    return lambda seen: replace(seen, invariants={**seen.invariants, name: verdict})


def without_verdict(name: str) -> Break:
    return lambda seen: replace(seen, invariants={key: each for key, each in seen.invariants.items() if key != name})


def with_row(table: str, number: int, **values: Any) -> Break:
    """Return what gives a row of a table other values."""

    def change(seen: Seen) -> Seen:
        rows = list(getattr(seen, table))
        rows[number] = {**rows[number], **values}
        changed: dict[str, Any] = {table: tuple(rows)}
        return replace(seen, **changed)

    return change


def later(table: str, number: int, column: str, ns: int) -> Break:
    """Return what moves an instant in a row of a table."""
    return lambda seen: with_row(table, number, **{column: getattr(seen, table)[number][column] + ns})(seen)


def with_span(host: str, begin: int, end: int) -> Break:
    return lambda seen: replace(seen, spans={**seen.spans, host: (*seen.spans[host], (begin, end))})


def number_of(seen: Seen, kind: str) -> int:
    """Return the row of the first event of a kind."""
    return next(number for number, event in enumerate(seen.events) if event["kind"] == kind)


def between(seen: Seen, *kinds: str) -> int:
    """Return the time from the first event of a kind, or the start, to that of another, or the end."""
    began_ns, ended_ns = [*(seen.first(kind) for kind in kinds), seen.end_ns][:2]
    return (ended_ns or 0) - (began_ns or 0)


def extended(seen: Seen) -> Seen:
    """Return a run that might wait for a failover."""
    return replace(seen, scenario=seen.scenario.with_(extend="until-takeover"))


def beyond(seen: Seen, ns: int) -> Seen:
    """Return a run that ends so long after a takeover that comes at its end."""
    last = {**seen.events[-1], "kind": "takeover", "time_ns": seen.end_ns}
    return replace(seen, events=(*seen.events, last), end_ns=seen.end_ns + ns)


def precopy(change: Break) -> Break:
    """Return what breaks a run under a protocol that makes no checkpoints instead."""
    return lambda seen: change(replace(seen, scenario=seen.scenario.with_(**{"replication.protocol": "live-precopy"})))


#: For each law, what breaks it.
BREAKS: dict[str, list[Break]] = {
    "the_invariants_hold": [
        with_verdict("image", holds=False),
        with_verdict("image", holds=True, waived=True),
        without_verdict("program"),
    ],
    "one_host_runs_the_vm": [with_span("secondary", 100, 2_000_000)],
    "spans_are_in_order": [
        with_span("primary", 7, 8),
        with_span("secondary", 12_000_000, 12_000_001),
        with_span("secondary", 11_000_000, 10_000_000),
    ],
    "no_slowdown_is_negative": [with_metrics(guest__slowdown=-0.001)],
    "the_slowdown_is_the_sum_of_its_causes": [
        lambda seen: with_metrics(guest__slowdown=seen.metrics["guest.slowdown"] * 1.001)(seen),
        with_metrics(guest__early_copy_fraction=0.3),
    ],
    "no_fraction_is_negative": [with_metrics(guest__stall_fraction=-1e-9), with_metrics(log__peak_fill=1.1)],
    "durations_fit_into_the_run": [
        with_metrics(failover__warmup_ns=-1),
        with_metrics(exposure__total_ns=12_000_001),
        with_metrics(client__latency_p99_ns=12_000_001),
    ],
    "durations_fit_into_their_time": [
        lambda seen: with_metrics(failover__latency_ns=between(seen, "failure", "takeover") + 1)(seen),
        lambda seen: with_metrics(failover__fencing_ns=between(seen, "failure", "takeover") + 1)(seen),
        lambda seen: with_metrics(failover__warmup_deficit_ns=between(seen, "takeover") + 1)(seen),
        lambda seen: with_metrics(exposure__total_ns=between(seen, "failure") + 1)(seen),
        with_metrics(migration__downtime_ns=1),
        with_metrics(reprotection__stopped_ns=1),
    ],
    "checkpoints_and_stalls_are_of_the_time_protected": [
        lambda seen: with_metrics(log__stall_ns=between(seen, "start", "down") + 1)(seen),
        lambda seen: with_metrics(checkpoint__commit_latency_p99_ns=between(seen, "start", "down") + 1)(seen),
    ],
    "nothing_happens_after_the_end": [
        lambda seen: replace(seen, end_ns=12_000_001),
        with_row("events", -1, time_ns=12_000_001),
        with_row("requests", 3, received_ns=12_000_001),
        lambda seen: extended(replace(seen, end_ns=11_999_999)),
        lambda seen: extended(beyond(seen, 10_000_001)),
    ],
    "events_are_in_order": [
        with_row("events", 5, time_ns=11_999_999),
        with_row("events", 0, time_ns=-1),
        with_row("events", 3, duration_ns=-1),
    ],
    "no_bandwidth_beyond_the_link": [
        with_metrics(replication__bandwidth_bps=10.001e9),
        with_metrics(replication__bytes=15_001_000),
    ],
    "the_parts_of_a_failover_add_up": [
        lambda seen: with_metrics(failover__apply_ns=seen.metrics["failover.apply_ns"] + 1)(seen),
        with_metrics(failover__fencing_ns=None),
    ],
    "a_failover_costs_what_its_parts_cost": [with_metrics(failover__cost_ns=3), with_metrics(loss__work_ns=None)],
    "only_a_migration_is_told_as_one": [
        with_metrics(migration__rounds=3),
        precopy(with_metrics(migration__total_ns=3, migration__downtime_ns=4)),
    ],
    "failovers_are_counted": [with_metrics(failover__count=2), lambda seen: replace(seen, events=())],
    "a_takeover_has_a_latency_or_is_a_false_alarm": [with_metrics(failover__latency_ns=None)],
    "a_latency_begins_with_a_failure_of_the_host_that_is_left": [
        lambda seen: with_metrics(failover__latency_ns=seen.metrics["failover.latency_ns"] - 1)(seen),
        lambda seen: with_row("events", number_of(seen, "failure"), host="secondary")(seen),
    ],
    "verdicts_are_false_alarms_or_not": [
        with_metrics(failover__false_alarms=1),
        lambda seen: with_row("events", number_of(seen, "detect"), detail="secondary")(seen),
    ],
    "the_headline_says_what_happened": [
        lambda seen: replace(seen, headline="False alarm: the secondary took over at 8.1 ms."),
        with_metrics(failover__latency_ns=None),
        lambda seen: replace(seen, headline=f"{seen.headline} It failed and came back."),
    ],
    "counts_are_whole_numbers": [with_metrics(checkpoint__count=-1), with_metrics(log__scan=2.5)],
    "the_log_balances": [with_metrics(log__entries=1), with_metrics(log__duplicates=10**9)],
    "quantiles_are_in_order": [
        with_metrics(client__latency_p50_ns=9e6),
        with_metrics(client__latency_p99_ns=None),
        with_metrics(checkpoint__pause_p99_ns=1.0),
    ],
    "a_bound_stands_in_for_a_quantile": [
        with_metrics(client__latency_p99_at_least_ns=5e6),
        with_metrics(client__latency_p999_ns=None, client__latency_p999_at_least_ns=1.0),
    ],
    "requests_are_answered_or_not": [
        with_row("requests", 3, received_ns=None),
        with_metrics(client__requests=3),
        with_metrics(client__across__requests=1000),
    ],
    "answers_follow_requests": [
        with_row("requests", 3, received_ns=0),
        with_row("requests", 3, request=2),
        lambda seen: replace(seen, scenario=seen.scenario.with_(clients=None)),
    ],
    "no_checkpoints_without_checkpoints": [precopy(with_metrics(checkpoint__pause_p50_ns=-110_578.0))],
    "epochs_are_in_order": [
        with_row("epochs", 2, paused_ns=1),
        with_row("epochs", 3, started_ns=1),
        later("epochs", 1, "committed_ns", 9_000_000),
        with_row("epochs", 2, sent_ns=0),
    ],
    "epochs_lie_in_the_run": [
        with_row("epochs", 1, acknowledged_ns=12_000_001),
        with_row("epochs", 1, harvest_ns=-5),
        with_row("epochs", 0, started_ns=-1),
    ],
    "the_sum_is_not_less_than_its_largest_part": [with_metrics(exposure__longest_ns=5_000_000, exposure__total_ns=1)],
    "work_is_lost_since_the_beginning": [
        with_metrics(loss__work_ns=6_400_000),
        lambda seen: replace(seen, events=()),
    ],
    "outputs_are_committed": [with_metrics(loss__outputs=1)],
    "the_image_is_as_the_invariant_says": [with_metrics(image__consistent=False)],
    "the_json_is_valid": [
        lambda seen: replace(seen, text=seen.text[:-1]),
        lambda seen: replace(seen, text=seen.text.replace("null", "NaN", 1)),
        with_metrics(run__accesses=3),
    ],
    "promised_metrics_exist": [without_metric("loss.work_ns")],
}


@pytest.mark.parametrize("variant", ["base", "three-vcpus-log", "no-fencing", "log-stall", "slow-link", "mix"])
def test_a_sound_run_breaks_no_law(variant: str) -> None:
    assert not list(broken(sound(variant)))


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, breaks in BREAKS.items() for number in range(len(breaks))]
)
def test_a_law_dies_on_what_breaks_it(name: str, number: int) -> None:
    seen = BREAKS[name][number](sound())
    assert list(LAWS[name](seen))


def test_every_law_is_broken_here_and_says_a_sentence() -> None:
    assert BREAKS.keys() == LAWS.keys()
    assert all((check.__doc__ or "").endswith(".") for check in LAWS.values())


def test_a_run_may_wait_a_step_for_the_failover_that_is_under_way() -> None:
    waited = extended(beyond(sound(), 10_000_000))
    assert not list(LAWS["nothing_happens_after_the_end"](waited))


@pytest.mark.parametrize("missing", ["image", "nothing_lost_in_log"])
def test_a_waived_promise_is_not_held_against_a_run(missing: str) -> None:
    seen = with_verdict(missing, holds=False)(sound())
    waived = replace(seen, scenario=seen.scenario.with_(**{"replication.hypervisor_writes": "missed"}))
    law = LAWS["the_invariants_hold"]
    assert list(law(seen))
    assert not list(law(waived))
