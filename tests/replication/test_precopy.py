"""Pre-copy: when another round is worth it."""

import pytest
import simpy

from vmfailover.replication.precopy import Precopy

from .machinery import LINES, new_site


def new_precopy(**spec: object) -> Precopy:
    context = new_site(simpy.Environment(), **{"replication.protocol": "live-precopy", "replication.precopy": spec})
    return Precopy(context, lambda: iter(()), lambda _: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("most", [1.0, 2.5])
def test_no_round_follows_when_enough_has_been_sent(most: float) -> None:
    precopy = new_precopy(most=most, least=1)
    assert precopy.goes_on(units=4, sent_lines=int(most * LINES) - 1)
    assert not precopy.goes_on(units=4, sent_lines=int(most * LINES))


def test_no_round_follows_when_little_is_left() -> None:
    precopy = new_precopy(least=3)
    assert precopy.goes_on(units=4, sent_lines=0)
    assert not precopy.goes_on(units=3, sent_lines=0)


def test_no_round_follows_the_last_but_one() -> None:
    precopy = new_precopy(rounds=2, least=1)
    assert precopy.goes_on(units=4, sent_lines=0)
    precopy._context.recorder.epochs.append(None)  # type: ignore[arg-type]
    assert not precopy.goes_on(units=4, sent_lines=0)
