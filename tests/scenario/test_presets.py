"""Presets of detection: what they bring, what goes on top of it, and files of a user's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.errors import InputError
from vmfailover.scenario import load
from vmfailover.scenario.detection import DETECTION_PRESETS
from vmfailover.scenario.document import parse
from vmfailover.scenario.presets import preset_text

MS = 1_000_000
OWN = """
kind: {value: heartbeat, source: ours}
interval: 2 s
timeout: {value: 7 s, source: ours}
with: {fencing: {kind: {value: shared-storage, source: ours}, delay: 30 ms}}
"""


def leaves(entry: Any) -> list[Any]:
    if isinstance(entry, dict) and "value" not in entry:
        return [leaf for part in entry.values() for leaf in leaves(part)]
    return [entry]


@pytest.mark.parametrize("name", DETECTION_PRESETS)
def test_every_number_has_a_source_and_the_whole_fits_a_scenario(name: str) -> None:
    assert all(
        leaf.keys() == {"value", "source"} and leaf["source"] for leaf in leaves(parse(preset_text(name), "").data)
    )
    assert small(detection={"preset": name}, fencing={}).detection.preset == name


def test_a_preset_brings_fencing_and_the_steps_of_a_takeover() -> None:
    scenario = small().with_(detection={"preset": "kubevirt"}, fencing={})
    assert (scenario.fencing.kind, scenario.fencing.delay) == ("stonith", 180_000 * MS)
    election = small(detection={"preset": "proxmox-ha"}).failover.election
    assert (election.distribution, election.mean, election.spread) == ("uniform", 5000 * MS, 5000 * MS)


def test_what_a_scenario_says_goes_on_top() -> None:
    found = small(detection={"preset": "kubevirt", "timeout": "19 s"}, fencing={"delay": "1 s"})
    assert (found.detection.timeout, found.fencing.delay) == (19_000 * MS, 1000 * MS)


def test_of_another_kind_nothing_is_taken() -> None:
    found = small(detection={"preset": "kubevirt"}, fencing={"kind": "shared-storage"})
    assert (found.fencing.kind, found.fencing.delay) == ("shared-storage", 5 * MS)


def test_a_file_of_the_user_s_own_lies_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(OWN)
    source = small().source | {"detection": {"preset": "site.yaml"}}
    source.pop("fencing", None)

    path = tmp_path / "scenario.yaml"
    path.write_text(json.dumps(source))
    found = load(path)
    assert (found.detection.timeout, found.fencing.kind, found.fencing.delay) == (7000 * MS, "shared-storage", 30 * MS)
    (tmp_path / "site.yaml").write_text("- 1")
    with pytest.raises(InputError, match=r"'site\.yaml' is no preset"):
        load(path)
    (tmp_path / "site.yaml").unlink()
    with pytest.raises(InputError, match=r"site\.yaml: cannot be read"):
        load(path)


def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"'kubernets' is unknown; did you mean 'kubernetes'.*'NAME.yaml'"):
        small(detection={"preset": "kubernets"})
