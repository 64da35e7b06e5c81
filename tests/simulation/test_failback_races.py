"""What happens to a failback while its old host is being shot, and to a warm-up that a further move cuts short."""

from pathlib import Path

from vmfailover.records.events import Kind
from vmfailover.scenario import load
from vmfailover.simulation import run

FOUND = Path(__file__).parents[1] / "fuzz" / "found"


def test_a_vm_whose_old_host_is_fenced_on_the_way_home_goes_on_alone_there() -> None:
    events = run(load(FOUND / "fenced-while-the-vm-goes-home.yaml"), samples=0).event_rows
    home = next(number for number, event in enumerate(events) if event.kind == Kind.RETURNED)
    fenced = [event.time_ns for event in events[:home] if event.kind == Kind.FENCE]
    down = [event.time_ns for event in events[:home] if event.kind == Kind.DOWN]
    assert max(down) <= max(fenced) < events[home].time_ns
    assert [(event.kind, event.host) for event in events[home : home + 2]] == [
        (Kind.RETURNED, "primary"),
        (Kind.ALONE, "primary"),
    ]
    later = [event.kind for event in events if event.time_ns > max(fenced)]
    assert Kind.TAKEOVER not in later


def test_an_order_to_shoot_a_computer_ends_it_though_it_was_built_anew() -> None:
    events = run(load(FOUND / "shot-once-it-was-built-anew.yaml"), samples=0).event_rows
    home = next(event.time_ns for event in events if event.kind == Kind.RETURNED)
    protected = next(event for event in events if event.kind == Kind.PROTECTED and event.time_ns == home)
    shot = next(event for event in events if event.kind == Kind.STANDBY_DOWN and event.time_ns > home)
    assert (protected.host, shot.host) == ("secondary", "secondary")
    following = [event.kind for event in events if event.time_ns > shot.time_ns]
    assert following[: following.index(Kind.SYNCHRONISE)].count(Kind.STANDBY_DOWN) == 0
    assert following[: following.index(Kind.SYNCHRONISE)].count(Kind.REPAIRED) == 1
    assert Kind.DETECT_LOSS in following


def test_a_guest_that_goes_elsewhere_is_not_sampled_any_more() -> None:
    found = run(load(FOUND / "warm-up-cut-short-by-a-move.yaml"), samples=0)
    first, second, *_ = (event.time_ns for event in found.event_rows if event.kind == Kind.TAKEOVER)
    assert first == found.progress[0].time_ns < found.progress[-1].time_ns <= second
    assert found.values["failover.warmup_ns"] is None
