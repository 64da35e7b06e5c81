"""Every deliberate defect is found, by the invariant or the law that is there to find it."""

from collections import Counter

import pytest
from runs_for_tests import LAWS, broken, observe
from scenarios_for_tests import small

from vmfailover.hardware.cache import reference
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.scenario.replication import Replication

from . import failover_defects, hardware_defects, protocol_defects, replication_defects  # noqa: F401
from .injection import MUTANTS, Injection, Mutant

#: What is broken in the scenarios of the table as the product is.
SOUND: dict[tuple[str, CacheTwin], dict[str, str]] = {}


def found_without_defect(mutant: Mutant) -> dict[str, str]:
    """Run the scenario of a mutant as the product is, once for all mutants that share it."""
    key = (mutant.scenario.hash, mutant.twin)
    if key not in SOUND:
        SOUND[key] = broken(observe(mutant.scenario, twin=mutant.twin))
    return SOUND[key]


def quick_mutants() -> set[str]:
    """Return a defect for each invariant and law, and one of each protocol, but none that runs on the reference."""
    able = [mutant for mutant in MUTANTS.values() if mutant.twin is not reference]
    by_law = {mutant.caught_by: mutant.name for mutant in able}
    by_protocol = {mutant.scenario.replication.protocol: mutant.name for mutant in able}
    return {*by_law.values(), *by_protocol.values()}


EVERY = [
    pytest.param(mutant, id=name, marks=() if name in quick_mutants() else pytest.mark.slow)
    for name, mutant in MUTANTS.items()
]


@pytest.mark.parametrize("mutant", EVERY)
def test_the_defect_is_found(mutant: Mutant) -> None:
    assert not found_without_defect(mutant)
    with pytest.MonkeyPatch.context() as patch:
        injection = Injection(patch)
        mutant.inject(injection)
        found = broken(observe(mutant.scenario, twin=mutant.twin))
    assert injection.fired
    assert mutant.caught_by in found


def test_every_protocol_has_two_defects() -> None:
    protocols = Counter(mutant.scenario.replication.protocol for mutant in MUTANTS.values())
    assert protocols.keys() == Replication.kinds.keys()
    assert min(protocols.values()) >= 2


def test_every_invariant_and_law_finds_a_defect() -> None:
    invariants = {verdict.name for verdict in observe(small()).result.verdicts}
    assert {mutant.caught_by for mutant in MUTANTS.values()} == invariants | LAWS.keys()
