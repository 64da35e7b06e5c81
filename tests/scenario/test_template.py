"""The scenario that `vmfailover init` writes: right, complete, and honest about the defaults."""

import re
from importlib.resources import files

from vmfailover.guest.workloads.synthetic import SyntheticPhase
from vmfailover.scenario import Scenario, load
from vmfailover.scenario.keys import known_keys

from .conftest import Write

TEMPLATE = (files("vmfailover.scenario") / "template.yaml").read_text()
_COMMENTED_KEY = re.compile(r"^( *)# ( *[a-z_0-9]+:(?: .*)?)$", re.MULTILINE)


def test_is_right(write: Write) -> None:
    assert load(write(TEMPLATE)).name == "first"


def test_commented_keys_show_the_defaults(write: Write) -> None:
    uncommented = _COMMENTED_KEY.sub(r"\1\2", TEMPLATE)
    assert uncommented.count("\n# ") < TEMPLATE.count("\n# ")
    assert load(write(uncommented)).hash == load(write(TEMPLATE)).hash


def test_names_every_key() -> None:
    wanted = {path for path in known_keys(Scenario) if path[0] != "hosts"}
    assert [path for path in wanted if str(path[-1]) not in TEMPLATE] == []


def test_names_every_pattern() -> None:
    kinds = SyntheticPhase.model_fields["kind"].annotation
    assert all(kind in TEMPLATE for kind in kinds.__args__)  # type: ignore[union-attr]
