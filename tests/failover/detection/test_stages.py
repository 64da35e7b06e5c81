"""Second stages: whoever is heard again in one is forgiven, whoever is not is declared dead at its end."""

from typing import Any

import pytest

from vmfailover.scenario.detection import Detection

from .watch import NEVER, Pair

MS = 1_000_000
HANG_NS = 205 * MS
#: Longer than any verdict here takes.
LONG_NS = 600 * MS
HEARD: dict[str, Any] = {"interval": "10 ms", "timeout": "30 ms"}
SWIM: dict[str, Any] = {"members": 5, "period": "10 ms", "probe_timeout": "1 ms"}
#: Each kind with a second stage, after which first stages end, and the second stage.
STAGED: dict[str, tuple[dict[str, Any], int]] = {
    "heartbeat": ({**HEARD, "confirmation": "200 ms"}, 40),
    "phi-accrual": ({"kind": "phi-accrual", "interval": "10 ms", "confirmation": "200 ms"}, 30),
    "witness, disk": ({"kind": "witness", **HEARD, "witness": {"interval": "10 ms", "timeout": "240 ms"}}, 40),
    "witness": (
        {"kind": "witness", **HEARD, "witness": {"interval": "10 ms", "timeout": "30 ms"}, "confirmation": "200 ms"},
        40,
    ),
    "swim, suspicion": ({"kind": "swim", "swim": {**SWIM, "suspicion": "200 ms"}}, 60),
    "swim": ({"kind": "swim", "swim": SWIM, "confirmation": "200 ms"}, 60),
    "sentinel": (
        {
            "kind": "sentinel",
            "sentinel": {"down_after": "20 ms", "ping": "10 ms", "least_tick": "1 ms", "most_tick": "2 ms"},
            "confirmation": "200 ms",
        },
        40,
    ),
    "token, consensus": ({"kind": "token", "token": {"token": "30 ms", "consensus": "200 ms", "join": "5 ms"}}, 30),
    "token": ({"kind": "token", "token": {"token": "30 ms", "join": "5 ms"}, "confirmation": "180 ms"}, 30),
}


def test_every_kind_that_listens_is_here() -> None:
    assert {name.split(",")[0] for name in STAGED} == set(Detection.kinds) - {"hardware"}


@pytest.fixture(params=STAGED)
def staged(request: pytest.FixtureRequest) -> tuple[dict[str, Any], int]:
    """The keys of a detector, and when its second stage has begun after a hang, milliseconds."""
    return STAGED[request.param]


def test_a_hang_that_comes_back_in_a_second_stage_is_forgiven(staged: tuple[dict[str, Any], int]) -> None:
    keys, begun_ms = staged
    for back_ms in (begun_ms, begun_ms + 50, 190):
        pair = Pair(**keys)
        assert pair.after(HANG_NS, "freeze", back_ms * MS, LONG_NS) == NEVER


def test_a_hang_that_outlasts_every_stage_is_not(staged: tuple[dict[str, Any], int]) -> None:
    keys, begun_ms = staged
    assert begun_ms * MS < Pair(**keys).after(HANG_NS, "freeze", 400 * MS, LONG_NS) < 300 * MS


def test_detection_begins_anew_for_one_that_was_forgiven(staged: tuple[dict[str, Any], int]) -> None:
    keys, begun_ms = staged
    pair = Pair(**keys)
    pair.env.run(until=HANG_NS)
    pair.watched.freeze()
    pair.env.run(until=HANG_NS + (begun_ms + 50) * MS)
    pair.watched.thaw()
    assert 200 * MS < pair.after(HANG_NS + (begun_ms + 51) * MS, "crash", None, LONG_NS) < 320 * MS


@pytest.mark.parametrize("name", [name for name in STAGED if name != "witness, disk"])
def test_suspicion_and_forgiveness_are_told(name: str) -> None:
    keys, begun_ms = STAGED[name]
    pair = Pair(**keys)
    pair.after(HANG_NS, "freeze", begun_ms * MS, LONG_NS)
    kinds = [kind for _, kind in pair.told]
    assert kinds[0] == "suspect"
    assert set(kinds) == {"suspect", "forgive"}
    assert kinds.count("suspect") == kinds.count("forgive")
    assert pair.told[-1][0] - HANG_NS - begun_ms * MS < 20 * MS


def test_a_host_that_only_the_witness_hears_again_is_forgiven() -> None:
    keys, begun_ms = STAGED["witness"]
    for back, forgiven in ((True, True), (False, False)):
        pair = Pair(**keys)
        pair.env.run(until=HANG_NS)
        pair.watched.freeze()
        pair.watched.out.cut()
        pair.env.run(until=HANG_NS + (begun_ms + 50) * MS)
        if back:
            pair.watched.thaw()
        pair.env.run(until=HANG_NS + LONG_NS)
        assert pair.detector.declared.triggered is not forgiven


def test_a_node_that_is_ready_again_within_the_toleration_is_not_evicted() -> None:
    second = 1000 * MS
    for back_s, evicted in ((60, False), (330, False), (341, True)):
        after_ns = Pair(preset="kubernetes").after(1005 * second, "freeze", back_s * second, 1000 * second)
        assert (after_ns != NEVER) is evicted, back_s


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_silence_longer_than_the_first_stage_and_shorter_than_all_gives_nobody_up(
    staged: tuple[dict[str, Any], int], share: float
) -> None:
    """A hang that ends anywhere between the end of the first stage and the earliest verdict, at whatever phase."""
    keys, begun_ms = staged
    for seed in range(3):
        hang_ns = HANG_NS + seed * 3_700_000
        verdict_ns = Pair(seed, **keys).after(hang_ns, "freeze", None, LONG_NS)
        back_ns = int(begun_ms * MS + share * (verdict_ns - begun_ms * MS))
        assert Pair(seed, **keys).after(hang_ns, "freeze", back_ns, LONG_NS) == NEVER


def test_the_stages_of_a_detector_add_up() -> None:
    spec = Detection.model_validate({"kind": "token", "token": {"members": 3, "token": "1 s"}, "confirmation": "60 s"})
    assert [(stage.name, stage.longest_ns // MS) for stage in spec.stages] == [
        ("token", 1650),
        ("consensus", 1980),
        ("membership", 2),
        ("confirmation", 60_000),
    ]
    assert spec.stages[0].arithmetic == "1 s + 1 × 650 ms, less up to 303 ms since it was here"
    assert spec.stages[1].arithmetic == "1.2 × 1650 ms"
    assert [stage.name for stage in Detection.model_validate({}).stages] == ["silence"]


@pytest.mark.parametrize(("least", "deviation_ns"), [("100 us", 2_500_000), ("4 ms", 4 * MS)])
def test_silence_is_unlikely_by_a_quarter_of_the_interval_or_the_least_deviation(least: str, deviation_ns: int) -> None:
    phi = {"threshold": 8.0, "pause": "3 ms", "least_deviation": least}
    spec = Detection.model_validate({"kind": "phi-accrual", "interval": "10 ms", "phi": phi})
    assert [stage.longest_ns for stage in spec.stages] == [10 * MS + 16 * deviation_ns + 3 * MS]


def test_rounds_without_agreement_delay_a_membership() -> None:
    spec = Detection.model_validate({"kind": "token", "token": {"token": "30 ms", "join": "7 ms"}})
    assert spec.latest_ns - sum(stage.longest_ns for stage in spec.stages) == 35 * MS
