"""Sections of several kinds: which keys are whose, and what becomes of them where another kind is chosen."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.errors import InputError
from vmfailover.replication.protocols.cacheline_flags import CachelineFlagsSettings
from vmfailover.replication.protocols.undo_log import UndoLogSettings
from vmfailover.scenario import Scenario, ScenarioError, load
from vmfailover.scenario.keys import known_keys
from vmfailover.scenario.loading import load_under
from vmfailover.scenario.replication import Replication

from .conftest import Write

#: A key that is another kind's, the kinds that have it, and the key that chooses the kind.
FOREIGN = {
    "replication.output_compare.divergence=2 %": ("output-compare", "protocol"),
    "replication.undo_log={placement: local}": ("undo-log", "protocol"),
    "replication.record_replay={}": ("record-replay", "protocol"),
    "replication.page_tracking.fault=3 us": ("page-write-protect", "protocol"),
    "detection.phi.threshold=3": ("phi-accrual", "kind"),
    "detection.swim={}": ("swim", "kind"),
    "detection.token.members=3": ("token", "kind"),
    "detection.witness.timeout=20 ms": ("witness", "kind"),
    "workload.phases=[]": ("mix", "kind"),
    "workload={trace: a.parquet, skew: 2}": ("zipf", "kind"),
}


def local(write: Write) -> Path:
    """Write a scenario under undo-log with a key of its own."""
    text = write().read_text(encoding="utf-8")
    return write(text.replace("protocol: cacheline-flags", "protocol: undo-log\n  undo_log: {placement: local}"))


@pytest.mark.parametrize("assignment", FOREIGN)
def test_what_belongs_to_another_kind_is_refused_with_its_name(write: Write, assignment: str) -> None:
    owner, key = FOREIGN[assignment]
    with pytest.raises(ScenarioError) as caught:
        load(write(), [assignment])
    assert ": belongs to " in str(caught.value)
    assert str(caught.value).endswith(f"; leave it out, or write '{key}: {owner}'")
    assert ": override " in str(caught.value)


#: Single values that belong to another kind, and what is said of them.
UNUSED = {
    "detection.delay=2 ms": "detection.delay: heartbeat makes no use of it",
    "failures.0.share=3 %": "failures.0.share: host-crash makes no use of it",
    "failures.0={kind: link-loss, at: 1 ms, factor: 2}": "failures.0.factor: link-loss makes no use of it",
    "fencing.lease=2 ms": "fencing.lease: stonith makes no use of it",
    "fencing={kind: none, attempts: 2}": "fencing.attempts: none makes no use of it",
}


@pytest.mark.parametrize("assignment", UNUSED)
def test_a_single_value_of_another_detector_fencing_or_fault_is_said_to_be_unused(
    write: Write, assignment: str
) -> None:
    assert UNUSED[assignment] in load(write(), [assignment]).warnings
    key = UNUSED[assignment].partition(":")[0]
    assert key not in "\n".join(load(write()).warnings)


def test_its_place_in_the_file_is_told(write: Write) -> None:
    path = local(write)
    text = path.read_text(encoding="utf-8").replace("protocol: undo-log", "protocol: cacheline-flags")
    line = text[: text.index("undo_log")].count("\n") + 1
    with pytest.raises(ScenarioError, match=rf"x.yaml:{line}:3: replication.undo_log: belongs to undo-log; leave it"):
        load(write(text))


def test_what_belongs_to_a_kind_goes_with_it(write: Write) -> None:
    scenario = load(local(write))
    flags = scenario.with_(**{"replication.protocol": "cacheline-flags"})
    assert isinstance(flags.replication, CachelineFlagsSettings)
    assert "undo_log" not in flags.source["replication"]
    assert load(local(write), ["replication.protocol=cacheline-flags"]).hash == flags.hash


def test_a_trace_belongs_to_a_workload_that_says_so(write: Write) -> None:
    with pytest.raises(ScenarioError, match="repeat: belongs to trace; leave it out, or write 'trace: FILE'"):
        load(write(), ["workload.repeat=true"])


def test_of_a_preset_a_kind_takes_what_it_has(write: Write) -> None:
    scenario = load(write(), ["detection={preset: corosync-3, kind: swim}"])
    assert scenario.detection.kind == "swim"
    assert scenario.detection.message == load(write(), ["detection={preset: corosync-3}"]).detection.message


def test_a_file_may_have_keys_of_each_protocol_that_it_is_loaded_under(write: Write) -> None:
    path = local(write)
    path.write_text(path.read_text(encoding="utf-8").replace("local}", "local}\n  output_compare: {same: 5 %}"))
    under = load_under(path, ["cacheline-flags", "output-compare"])
    assert under("output-compare").value("replication.output_compare.same") == 0.05
    assert "undo_log" not in under("output-compare").source["replication"]
    assert not {"undo_log", "output_compare"} & under("cacheline-flags").source["replication"].keys()
    with pytest.raises(ScenarioError, match="output_compare: belongs to output-compare"):
        load_under(path, ["cacheline-flags"])


@pytest.mark.parametrize("name", ["", "3", "[1]", "{}", "none"])
def test_what_is_no_kind_is_told_which_there_are(write: Write, name: str) -> None:
    text = write().read_text(encoding="utf-8").replace("protocol: cacheline-flags", f"protocol: {name}")
    with pytest.raises(ScenarioError, match=r"replication.protocol: .*(is missing|unknown); it is one of cacheline"):
        load(write(text))


def test_settings_of_a_kind_are_asked_for_by_their_class() -> None:
    assert UndoLogSettings.of(small("undo-log-local").replication).undo_log.placement == "local"
    with pytest.raises(TypeError, match="CachelineFlagsSettings is not a UndoLogSettings"):
        UndoLogSettings.of(small().replication)


def test_a_scenario_goes_to_another_process_and_comes_back_as_it_was() -> None:
    scenario = small("undo-log-local")
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_a_kind_that_is_added_is_known_until_it_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(Replication):
        mine: int = 3
        """A key of its own."""

    with monkeypatch.context() as patch:
        patch.setitem(Replication.kinds, "mine", Mine)
        assert ("replication", "mine") in known_keys(Scenario)
        own: dict[str, Any] = {"replication.protocol": "mine", "replication.mine": 4}
        assert small("base", **own).value("replication.mine") == 4
    assert ("replication", "mine") not in known_keys(Scenario)


def test_a_kind_that_is_added_needs_a_name_of_its_own() -> None:
    with pytest.raises(InputError, match="undo-log: is the name of a kind that there is"):
        Replication.kinds["undo-log"] = UndoLogSettings
