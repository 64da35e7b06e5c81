"""The keys that a scenario can have."""

from vmfailover.scenario import Scenario
from vmfailover.scenario.keys import children, choices, fields_at, known_keys, paths_of_leaf


def test_finds_nested_keys() -> None:
    keys = known_keys(Scenario)
    assert {("seed",), ("hosts", "primary", "l3", "size"), ("failures", "*", "at")} <= keys.keys()
    assert ("workload", "phases", "*", "accesses") in keys


def test_alternatives_share_a_path() -> None:
    fields = fields_at(Scenario, ("workload", "kind"))
    assert {"zipf", "mix"} <= {word for field in fields for word in choices(field.annotation)}


def test_children_of_a_list_item() -> None:
    assert children(Scenario, ("failures", 3)) == [
        *("at", "at_random", "at_phase", "epoch", "delay", "fixed", "kind"),
        *(
            "target",
            "lasts",
            "repeat",
            "every",
            "factor",
            "one_way",
            "planes",
            "paths_timeout",
            "restart_delay",
            "share",
        ),
    ]


def test_leaves() -> None:
    assert paths_of_leaf(Scenario, "checkpoint_interval") == [("replication", "checkpoint_interval")]
    assert len(paths_of_leaf(Scenario, "latency")) > 1
    assert paths_of_leaf(Scenario, "epoch") == []


def test_every_key_is_described() -> None:
    assert [path for path, fields in known_keys(Scenario).items() if not all(f.description for f in fields)] == []
