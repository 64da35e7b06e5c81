"""Fencing: when the host given up for dead is certainly silent, and who may go on."""

from typing import Any, ClassVar

import numpy as np
import pytest
import simpy
from marks import mostly_slow
from replication.machinery import new_host

from vmfailover.errors import InputError
from vmfailover.failover.fencing.arbiter.fencing import Arbiter
from vmfailover.failover.fencing.fencing import Fencing, new_fencing
from vmfailover.failover.fencing.none.fencing import NoFencing
from vmfailover.failover.fencing.stonith.fencing import Stonith
from vmfailover.hardware.host import Host
from vmfailover.scenario.failover import Fencing as FencingSpec

NAMES = ["primary", "secondary"]


class Scene:
    """Two hosts and what they fence each other with."""

    def __init__(self, kind: str, seed: int = 5, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.hosts = [new_host(self.env, name) for name in NAMES]
        lease = {"lease": "30 ns"} if kind == "witness" else {}
        spec = FencingSpec.model_validate({"kind": kind, "delay": "70 ns", **lease, **keys})
        self.fencing: Fencing = new_fencing(self.env, spec, np.random.default_rng(seed))
        self.answers: dict[str, tuple[int, bool]] = {}
        #: When each host went down.
        self.down_ns: dict[str, int] = {}
        for host in self.hosts:
            self.env.process(self._note_end(host))

    def _note_end(self, host: Host) -> Any:
        yield host.down
        self.down_ns[host.name] = int(self.env.now)

    def fence(self, by: int) -> None:
        """Let one host fence the other, and note when it was told what."""

        def fence(host: Host, victim: Host) -> Any:
            answer = yield from self.fencing.fence(victim, host)
            self.answers[host.name] = (int(self.env.now), answer)

        self.hosts[by].run_agent(fence(self.hosts[by], self.hosts[1 - by]))

    @property
    def safe(self) -> list[str]:
        """The hosts that were told that they may go on."""
        return [name for name, (_, safe) in self.answers.items() if safe]

    @property
    def up(self) -> list[bool]:
        return [host.up for host in self.hosts]


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(("kind", "after"), [("stonith", 70), ("shared-storage", 70), ("witness", 100)])
def test_the_victim_is_silent_when_it_is_said_to_be(kind: str, after: int, alive: bool) -> None:
    scene = Scene(kind)
    if not alive:
        scene.hosts[0].crash()
    scene.fence(1)
    scene.env.run(until=after)
    assert scene.up == [alive and kind != "stonith", True]
    scene.env.run()
    assert scene.up == [False, True]
    assert scene.answers == {"secondary": (after, True)}


@pytest.mark.parametrize("alive", [True, False])
def test_no_fencing_takes_no_time_and_does_nothing(alive: bool) -> None:
    scene = Scene("none")
    if not alive:
        scene.hosts[0].crash()
    scene.fence(1)
    scene.env.run()
    assert scene.up == [alive, True]
    assert scene.answers == {"secondary": (0, True)}


ARBITERS = ("shared-storage", "witness")
SEEDS = range(200)


def raced(seed: int, lead_ns: int = 0, first: int = 0, **keys: Any) -> Scene:
    """Let two hosts fence each other, one of them earlier by so much, and return what is left."""
    scene = Scene(seed=seed, **keys)
    scene.fence(first)
    if lead_ns:
        scene.env.run(until=lead_ns)
    if scene.hosts[1 - first].up:
        scene.fence(1 - first)
    scene.env.run()
    return scene


ONE_DEVICE = {"kind": "stonith", "devices": "one"}


@pytest.mark.parametrize("keys", mostly_slow([*({"kind": kind} for kind in ARBITERS), ONE_DEVICE], ONE_DEVICE))
def test_of_two_that_fence_each_other_at_once_chance_chooses_one(keys: dict[str, Any]) -> None:
    """Within four standard deviations of half of the races, whoever asks first in the order of processes."""
    for first in (0, 1):
        scenes = [raced(seed, first=first, **keys) for seed in SEEDS]
        assert all(scene.up.count(True) == 1 for scene in scenes)
        assert all([scene.hosts[scene.up.index(True)].name] == scene.safe for scene in scenes)
        assert abs(sum(scene.up[0] for scene in scenes) - 100) < 4 * 50**0.5


ONE_DEVICE = {"kind": "stonith", "devices": "one"}


@pytest.mark.parametrize("keys", mostly_slow([*({"kind": kind} for kind in ARBITERS), ONE_DEVICE], ONE_DEVICE))
@pytest.mark.parametrize("first", [0, 1])
def test_a_lead_longer_than_an_order_takes_decides(keys: dict[str, Any], first: int) -> None:
    for seed in range(20):
        scene = raced(seed, 71, first, **keys)
        assert (scene.up[first], scene.up[1 - first]) == (True, False)


def test_a_short_lead_does_not_always() -> None:
    winners = [raced(seed, 20, kind="witness").up[0] for seed in SEEDS]
    assert 100 < sum(winners) < 200


def test_two_that_shoot_each_other_at_once_are_both_down() -> None:
    """Each has a device of its own: neither order is called back by the death of its sender."""
    for seed in range(20):
        scene = raced(seed, kind="stonith", delay="100 us")
        assert scene.up == [False, False]
        assert scene.safe == []


@pytest.mark.parametrize("first", [0, 1])
def test_an_order_outlives_its_sender_once_it_is_given(first: int) -> None:
    """The other host fires 35 ns later: half of the orders find it before, and it gives none."""
    both = [raced(seed, 35, first, kind="stonith").up == [False, False] for seed in SEEDS]
    assert abs(sum(both) - 100) < 4 * 50**0.5


@pytest.mark.parametrize("devices", ["each", "one"])
def test_an_order_under_way_needs_its_sender_only_if_that_is_switched_off_by_the_same_device(devices: str) -> None:
    for seed in range(20):
        scene = Scene("stonith", seed, devices=devices, delay="1 ms")
        scene.fence(0)
        scene.env.run(until=1)
        scene.hosts[0].crash()
        scene.env.run()
        assert scene.up == [False, devices == "one"]


def test_orders_given_at_once_find_their_victims_one_after_the_other_as_chance_decides() -> None:
    """Of both, each is as likely to be off first, at any instant before the confirmation."""
    downs = [raced(seed, kind="stonith", delay="100 us").down_ns for seed in SEEDS]
    assert abs(sum(down["primary"] < down["secondary"] for down in downs) - 100) < 4 * 50**0.5
    instants = [each for down in downs for each in down.values()]
    assert np.mean(instants) == pytest.approx(50_000, abs=4 * 100_000 / 12**0.5 / len(instants) ** 0.5)
    assert max(instants) < 100_000


def test_an_order_that_fails_leaves_the_only_device_to_the_next() -> None:
    scenes = [raced(seed, kind="stonith", devices="one", failure_probability="50 %", attempts=1) for seed in SEEDS]
    alone = [scene for scene in scenes if scene.up.count(True) == 1]
    assert all(scene.up.count(True) >= 1 for scene in scenes)
    assert abs(len(alone) - 150) < 4 * 37.5**0.5


@pytest.mark.parametrize("kind", ["stonith", "witness"])
@pytest.mark.parametrize("slow", ["primary", "secondary"])
def test_a_host_waits_for_its_own_delay(kind: str, slow: str) -> None:
    for seed in range(20):
        scene = raced(seed, kind=kind, host_delay={slow: "71 ns"})
        assert [host.name for host in scene.hosts if host.up] == [name for name in NAMES if name != slow]
    scene = Scene(kind, host_delay={slow: "71 ns"})
    scene.fence(NAMES.index(slow))
    scene.env.run()
    assert scene.answers[slow] == (71 + 70 + (30 if kind == "witness" else 0), True)


def test_random_delays_save_one_of_two_most_of_the_time() -> None:
    """Both are shot only if the delays differ by less than an order takes: 2 x 70 of 10,000 at most."""
    left = [raced(seed, kind="stonith", random_delay="10 us").up for seed in SEEDS]
    assert sum(up.count(True) for up in left) > 190
    assert abs(sum(up[0] for up in left) - 100) < 4 * 50**0.5
    waited = [Scene("stonith", seed=seed, random_delay="10 us") for seed in SEEDS]
    for scene in waited:
        scene.fence(0)
        scene.env.run()
    times = [scene.answers["primary"][0] - 70 for scene in waited]
    assert 0 <= min(times) < 1000
    assert 9000 < max(times) <= 10_000


def test_a_delay_of_no_host_is_refused() -> None:
    with pytest.raises(ValueError, match="is the name of no host"):
        FencingSpec.model_validate({"host_delay": {"third": "1 s"}})


@pytest.mark.parametrize(("attempts", "safe"), [(1, False), (40, True)])
def test_orders_that_fail_are_repeated(attempts: int, safe: bool) -> None:
    scene = Scene("stonith", failure_probability="90 %", attempts=attempts)
    scene.fence(1)
    scene.env.run()
    assert scene.answers["secondary"][1] is safe
    assert scene.hosts[0].up is not safe
    assert scene.env.now % 70 == 0
    assert (scene.env.now == 70) is not safe


@pytest.mark.parametrize(
    ("kind", "fencing"), [("stonith", Stonith), ("shared-storage", Arbiter), ("witness", Arbiter), ("none", NoFencing)]
)
def test_the_scenario_says_which_fencing(kind: str, fencing: type) -> None:
    assert isinstance(Scene(kind).fencing, fencing)


@pytest.mark.parametrize("code", ["fractions:Fraction", "math:pi"])
def test_what_cannot_fence_is_refused_with_its_name(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoFence(FencingSpec):
        code: ClassVar[str] = ""

    monkeypatch.setattr(NoFence, "code", code)
    monkeypatch.setitem(FencingSpec.kinds, "none-such", NoFence)
    spec = FencingSpec.model_validate({"kind": "none-such"})
    with pytest.raises(InputError, match=f"none-such: '{code}' is not a class that can fence"):
        new_fencing(simpy.Environment(), spec, np.random.default_rng(1))


def nobody_left(spread: float, way: float) -> float:
    """Return the share of races of two that give their orders at once in which both are shot.

    Each order is given after a latency L of up to `spread`, and lands a way W of up to `way` <= `spread` later, all
    uniform and independent. Both land if each is given before the other has landed: L1 < L2 + W2 and L2 < L1 + W1.
    With D = L1 - L2, whose density is (spread - |D|) / spread^2, that is -W1 < D < W2, of which the chance is
    E[W] 2/spread - E[W^2] / spread^2 = way / spread - (way / spread)^2 / 3.
    """
    return way / spread - (way / spread) ** 2 / 3


@pytest.mark.parametrize("spread_us", mostly_slow([200, 100, 800], 200))
def test_two_that_need_time_to_give_an_order_leave_nobody_in_a_share_of_the_races(spread_us: int) -> None:
    """Within four standard deviations."""
    races = 200
    keys: dict[str, Any] = {"kind": "stonith", "delay": "100 us", "spread": f"{spread_us} us"}
    left = [raced(seed, **keys).up.count(True) for seed in range(races)]
    share = nobody_left(spread_us, 100)
    assert set(left) == {0, 1}
    assert abs(left.count(0) - races * share) < 4 * (races * share * (1 - share)) ** 0.5


def test_a_delay_longer_than_a_race_leaves_the_other_host() -> None:
    delays = {"secondary": "301 us"}
    keys: dict[str, Any] = {"kind": "stonith", "delay": "100 us", "spread": "200 us", "host_delay": delays}
    assert all(raced(seed, **keys).up == [True, False] for seed in range(50))
