"""What each kind of detector sees, and what it does not."""

from typing import Any, ClassVar

import pytest

from vmfailover.errors import InputError
from vmfailover.scenario.detection import DETECTION_PRESETS, Detection

from .watch import NEVER, Pair

MS = 1_000_000
#: Longer than any verdict on what happens here takes.
LONG_NS = 3000 * MS
HEARD: dict[str, Any] = {"interval": "10 ms", "timeout": "30 ms"}
KINDS: dict[str, dict[str, Any]] = {
    "heartbeat": HEARD,
    "phi-accrual": {"interval": "10 ms"},
    "swim": {"swim": {"members": 5, "period": "10 ms", "probe_timeout": "1 ms"}},
    "token": {"token": {"token": "30 ms"}},
    "sentinel": {"sentinel": {"down_after": "20 ms", "ping": "10 ms", "least_tick": "1 ms", "most_tick": "2 ms"}},
    "hardware": {"delay": "2 ms"},
    "witness": {**HEARD, "witness": {"interval": "10 ms", "timeout": "25 ms"}},
}
#: What happens, and which kinds take notice of it.
SEEN = {
    "crash": set(KINDS),
    "stop": set(KINDS),
    "freeze": set(KINDS) - {"hardware"},
    "cut": {"heartbeat", "phi-accrual", "token"},
}


def test_every_kind_is_here_and_in_the_schema() -> None:
    assert set(KINDS) == set(Detection.kinds)
    described = Detection.model_json_schema()["properties"]["kind"]["description"]
    assert [kind for kind in KINDS if f"{kind}: " not in described] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", SEEN)
def test_what_is_noticed(kind: str, what: str) -> None:
    after = Pair(kind=kind, **KINDS[kind]).after(205 * MS, what, within_ns=LONG_NS)
    assert (after != NEVER) == (kind in SEEN[what])
    assert after < 100 * MS


@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_is_noticed_in_time(kind: str) -> None:
    spec = Detection.model_validate({"kind": kind, **KINDS[kind]})
    for seed in range(20):
        assert 0 < Pair(seed, kind=kind, **KINDS[kind]).after((205 + seed) * MS, "crash") <= spec.latest_ns


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_whose_last_sign_is_still_under_way_is_noticed_in_time(kind: str) -> None:
    spec = Detection.model_validate({"kind": kind, **KINDS[kind]})
    assert 0 < Pair(kind=kind, **KINDS[kind]).after(200 * MS + 1, "stop") <= spec.latest_ns


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_lives_is_not_given_up(kind: str) -> None:
    pair = Pair(kind=kind, **KINDS[kind])
    pair.env.run(until=3_000 * MS)
    assert not pair.detector.declared.triggered


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_is_down_gives_no_verdict(kind: str) -> None:
    pair = Pair(kind=kind, **KINDS[kind])
    pair.env.run(until=20 * MS)
    pair.watcher.crash()
    assert pair.after(30 * MS, "crash", within_ns=LONG_NS) == NEVER


@pytest.mark.parametrize("kind", KINDS)
def test_a_confirmation_takes_its_time(kind: str) -> None:
    plain, confirmed = (
        Pair(kind=kind, confirmation=confirmation, **KINDS[kind]).after(205 * MS, "crash")
        for confirmation in ("0 ns", "7 ms")
    )
    assert confirmed - plain == 7 * MS


def test_a_witness_tells_a_cut_link_from_a_dead_host() -> None:
    assert Pair(kind="witness", **KINDS["witness"]).after(205 * MS, "cut", within_ns=LONG_NS) == NEVER


def test_swim_without_others_takes_a_cut_link_for_a_dead_host() -> None:
    alone = {"members": 2, "period": "10 ms", "probe_timeout": "1 ms"}
    assert 0 < Pair(kind="swim", swim=alone).after(205 * MS, "cut") < 20 * MS


#: Seconds from the last heartbeat to the verdict as the source of each preset says, from least to most.
PUBLISHED_S = {
    "corosync-3": (3 - 0.561 + 3.6, 3 + 3.6),
    "hyper-v": (250.0, 250.0),
    "keepalived": (3 + 156 / 256,) * 2,
    "kubernetes": (340.0, 340.0),
    "kubernetes-1.32": (350.0, 350.0),
    "kubevirt": (350.0, 350.0),
    "pacemaker-2-node": (3 - 0.561 + 3.6, 3 + 3.6),
    "proxmox-ha": (120.0, 120.0),
    "sentinel": (30.0, 31.3),
    "vsphere-ha": (15.0, 15.0),
    "phi-8": (1 + 5.612 * 0.1 + 3,) * 2,
}


@pytest.mark.parametrize("preset", DETECTION_PRESETS)
def test_presets_detect_as_their_sources_say(preset: str) -> None:
    interval_ns = Detection.model_validate({"preset": preset}).interval
    crash_ns = 100 * interval_ns + MS // 1000
    after_s = Pair(preset=preset).after(crash_ns, "crash") / 1e9
    least_s, most_s = PUBLISHED_S[preset]
    assert least_s - 0.01 <= after_s <= most_s + 0.01


@pytest.mark.parametrize("code", ["fractions:Fraction", "math:pi"])
def test_what_is_no_detector_is_refused_with_its_name(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDetector(Detection):
        code: ClassVar[str] = ""

    monkeypatch.setattr(NoDetector, "code", code)
    monkeypatch.setitem(Detection.kinds, "none-such", NoDetector)
    with pytest.raises(InputError, match=f"none-such: '{code}' is not a subclass of Detector"):
        Pair(kind="none-such")
