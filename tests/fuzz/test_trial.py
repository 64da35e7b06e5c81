"""A scenario on trial: what goes wrong in it is found, whatever it is."""

import signal

import pytest
from mutants import replication_defects  # noqa: F401 - enters its defects
from mutants.injection import MUTANTS, Injection
from scenarios_for_tests import brief, small

from vmfailover.hardware.cache import kernel

from . import trial
from .trial import ERROR, TOO_LONG, kind_of, limited, tried


def test_a_sound_scenario_passes_and_is_told_of() -> None:
    one = tried(brief())
    assert one.findings == ()
    assert one.seen is not None
    assert one.digest == one.seen.digest


def test_the_digest_tells_runs_apart_and_leaves_out_the_wall_clock() -> None:
    first, again, other = tried(brief()), tried(brief()), tried(brief(seed=8))
    assert first.seen is not None
    assert again.seen is not None
    assert first.seen.text != again.seen.text
    assert first.digest == again.digest != other.digest


def test_what_takes_too_long_is_ended() -> None:
    assert tried(small(), limit_s=0.02).findings == ((TOO_LONG, "more than 0.02 s"),)


def test_ways_of_breaking_a_law_are_told_apart_by_their_words() -> None:
    assert kind_of("image: 3 lines differ") == kind_of("image: 4 lines differ") == "image"
    assert kind_of("guest.slowdown is -0.1") == "guest.slowdown is -"
    assert kind_of("more than 20 s") != kind_of("image")


def test_a_limit_leaves_nothing_behind() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with limited(10.0):
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 9
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is before


def test_an_error_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise KeyError("no such\nthing")

    monkeypatch.setattr(trial, "Simulation", failing)
    ((law, text),) = tried(brief()).findings
    assert law == ERROR
    assert text.startswith("KeyError at failing:")
    assert "\n" not in text


def test_an_error_is_told_with_where_it_arose_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def arising() -> None:
        raise ValueError("first")

    def failing(*_: object, **__: object) -> None:
        try:
            arising()
        except ValueError as error:
            raise ValueError("then") from error

    monkeypatch.setattr(trial, "Simulation", failing)
    assert tried(brief()).findings == ((ERROR, "ValueError at arising: then"),)


@pytest.mark.parametrize("caught_by", ["image", "output_commit", "nothing_lost_in_log"])
def test_a_defect_of_the_product_is_found(caught_by: str) -> None:
    mutant = next(each for each in MUTANTS.values() if each.caught_by == caught_by and each.twin is kernel)
    with pytest.MonkeyPatch.context() as patch:
        mutant.inject(Injection(patch))
        findings = tried(mutant.scenario).findings
    assert any(law == "the_invariants_hold" and text.startswith(caught_by) for law, text in findings)
