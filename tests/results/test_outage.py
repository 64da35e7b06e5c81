"""The first outage of a run, and the longest silence across it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.told import event
from vmfailover.guest.clients import Response
from vmfailover.results.outage import Outage, blackout, first_outage

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=150)
END = 300


def responses(instants: list[int]) -> list[Response]:
    return [Response(number, 0, instant) for number, instant in enumerate(sorted(instants))]


@EXAMPLES
@given(st.lists(st.integers(0, 200), max_size=12), st.integers(0, 80), st.none() | st.integers(1, 40))
def test_the_blackout_is_the_longest_silence_with_part_of_the_outage_in_it(
    instants: list[int], began: int, lasts: int | None
) -> None:
    until = END if lasts is None else began + lasts
    ends = sorted({0, *instants, END})
    silent = [end - start for start, end in pairwise(ends) if end > began and start < until]
    gap = blackout(responses(instants), Outage(began, None if lasts is None else until), END)
    assert gap is not None
    assert gap[1] - gap[0] == max(silent)


def test_the_blackout_is_from_one_response_to_the_next() -> None:
    assert blackout(responses([10, 20, 30, 90, 100]), Outage(40, 60), END) == (30, 90)


def test_a_longer_silence_elsewhere_is_no_blackout() -> None:
    assert blackout(responses([10, 200, 210, 240]), Outage(220, 230), END) == (210, 240)


def test_without_a_response_afterwards_it_lasts_to_the_end() -> None:
    assert blackout(responses([10, 20]), Outage(30, 40), END) == (20, END)
    assert blackout(responses([10, 20]), Outage(30, None), END) == (20, END)


def test_without_an_outage_there_is_no_blackout() -> None:
    assert blackout(responses([10, 50]), None, END) is None


def happened(*events: tuple[int, str, str, str]) -> Outage | None:
    return first_outage([event(*each) for each in events])


@pytest.mark.parametrize(
    ("events", "outage"),
    [
        ((), None),
        (((5, "fault", "primary", "slow-host"),), None),
        (((5, "failure", "primary", "host-crash"), (5, "down", "primary", "")), Outage(5, None)),
        (((5, "failure", "primary", "host-crash"), (9, "takeover", "secondary", "")), Outage(5, 9)),
        (((5, "failure", "primary", "hypervisor-hang"), (7, "passed", "primary", "hypervisor-hang")), Outage(5, 7)),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "detect", "secondary", "primary"),
                (7, "passed", "primary", "hypervisor-hang"),
                (8, "fence", "secondary", ""),
                (9, "takeover", "secondary", ""),
            ),
            Outage(5, 9),
        ),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "detect", "secondary", "primary"),
                (7, "passed", "primary", "hypervisor-hang"),
                (8, "fencing-failed", "secondary", ""),
            ),
            Outage(5, 7),
        ),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "passed", "primary", "hypervisor-hang"),
                (7, "failure", "primary", "host-crash"),
                (7, "down", "primary", ""),
                (8, "detect", "secondary", "primary"),
                (9, "takeover", "secondary", ""),
            ),
            Outage(5, 6),
        ),
        (((5, "failure", "primary", "hypervisor-hang"), (7, "passed", "both", "link-slow")), Outage(5, None)),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "failure", "primary", "host-crash"),
                (6, "down", "primary", ""),
                (7, "passed", "primary", "hypervisor-hang"),
                (8, "detect", "secondary", "primary"),
                (9, "takeover", "secondary", ""),
            ),
            Outage(5, 9),
        ),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "failure", "primary", "hypervisor-hang"),
                (7, "passed", "primary", "hypervisor-hang"),
                (8, "passed", "primary", "hypervisor-hang"),
            ),
            Outage(5, 8),
        ),
        (
            (
                (5, "failure", "primary", "hypervisor-hang"),
                (6, "detect", "secondary", "primary"),
                (7, "fencing-failed", "secondary", ""),
                (8, "passed", "primary", "hypervisor-hang"),
                (9, "down", "primary", ""),
            ),
            Outage(5, 8),
        ),
        (((6, "down", "primary", ""), (9, "takeover", "secondary", "")), Outage(6, 9)),
        (((4, "switchover", "primary", ""), (9, "takeover", "secondary", "")), Outage(4, 9)),
        (
            (
                (3, "fault", "secondary", "host-crash"),
                (3, "standby-down", "secondary", ""),
                (8, "detect-loss", "primary", "secondary"),
                (9, "alone", "primary", ""),
            ),
            Outage(3, 9),
        ),
        (
            (
                (2, "fault", "primary", "slow-host"),
                (3, "fault", "both", "link-cut"),
                (8, "detect-loss", "primary", "secondary"),
                (9, "alone", "primary", ""),
            ),
            Outage(3, 9),
        ),
        (((8, "detect-loss", "primary", "secondary"), (9, "alone", "primary", "")), Outage(8, 9)),
        (((8, "detect-loss", "primary", "secondary"),), None),
    ],
)
def test_an_outage_is_from_what_ends_the_service_until_it_is_back(
    events: tuple[tuple[int, str, str, str], ...], outage: Outage | None
) -> None:
    assert happened(*events) == outage
