"""Hosts and their presets."""

from typing import Any

import pytest
from pydantic import ValidationError

from vmfailover.scenario.document import parse
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.presets import HOST_PRESETS, preset_text


def host(**keys: Any) -> HostSpec:
    return HostSpec.model_validate({"preset": "power8", **keys})


def test_power8() -> None:
    power8 = host()
    assert (power8.clock, power8.line, power8.cores) == (3_500_000_000, 128, 12)
    assert (power8.l1.size, power8.l1.ways, power8.l1.latency) == (65_536, 8, 3)
    assert (power8.l2.size, power8.l2.ways, power8.l2.latency) == (524_288, 8, 13)
    assert power8.l3 is not None
    assert (power8.l3.size, power8.l3.ways, power8.l3.latency) == (8_388_608, 8, 27)
    assert (power8.memory.latency, power8.memory.bandwidth) == (80, 90_000_000_000)


@pytest.mark.parametrize("name", HOST_PRESETS)
def test_every_preset_is_a_host(name: str) -> None:
    spec = host(preset=name)
    assert spec.preset == name
    assert spec.l2.sets(spec.line) * spec.l2.ways * spec.line == spec.l2.size


@pytest.mark.parametrize("name", HOST_PRESETS)
def test_every_number_of_a_preset_has_a_source(name: str) -> None:
    def check(entry: Any) -> None:
        if "value" in entry:
            assert entry.keys() == {"value", "source"}
            assert entry["source"]
        else:
            for part in entry.values():
                check(part)

    check(parse(preset_text(name), name).data)


def test_keys_go_on_top_of_the_preset_deeply() -> None:
    spec = host(l2={"size": "256 KiB"}, clock="4 GHz")
    assert (spec.l2.size, spec.l2.ways, spec.clock) == (262_144, 8, 4_000_000_000)


@pytest.mark.parametrize("nothing", ["none", None])
def test_the_l3_can_be_left_out(nothing: object) -> None:
    assert host(l3=nothing).l3 is None


def test_a_host_without_a_preset_says_everything() -> None:
    keys = host().model_dump(mode="json", exclude={"preset"})
    assert HostSpec.model_validate(keys).model_dump(exclude={"preset"}) == host().model_dump(exclude={"preset"})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"preset": "powr8"}, "preset: 'powr8' is unknown; did you mean 'power8'?"),
        ({"l2": {"size": "300 KiB"}}, "l2.size: 300 KiB in 8 ways of 128 B lines does not make a power-of-two"),
        ({"l2": {"size": "300 KiB"}}, "256 KiB does"),
        ({"l1": {"ways": 7}}, "l1.size"),
        ({"line": "96 B"}, "line: 96 bytes is not a power of two"),
        ({"line": "32 B"}, "greater than or equal to 64"),
        ({"clock": "0 Hz"}, "must be above zero"),
        ({"preset": 3}, "valid string"),
    ],
)
def test_refuses(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        host(**keys)
    assert words in str(caught.value)


def test_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        host().line = 64
