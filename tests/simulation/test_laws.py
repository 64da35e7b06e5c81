"""The laws of these tests say something of the runs that they are for."""

from collections.abc import Set

import pytest
from runs_for_tests import LAWS, broken, laws_for, observe_variant

#: Laws that say nothing of a variant: of a log whose interrupts ask for room, or that there is not; of checkpoints and
#: of answers that wait for them where there are none.
SILENT: dict[str, Set[str]] = {
    "roomy-log": set(),
    "base": {"tail_waits"},
    "no-clients": {"tail_waits", "answers_wait"},
    "page-write-protect": {"tail_waits"},
    "page-dirty-bits": {"tail_waits"},
    "output-compare": {"tail_waits"},
    "record-replay": {"tail_waits"},
    "cold-restart": LAWS.keys(),
}


@pytest.mark.parametrize("variant", SILENT)
def test_a_law_is_silent_only_where_there_is_nothing_to_say(variant: str) -> None:
    run = observe_variant(variant)
    assert laws_for(run) == LAWS.keys() - SILENT[variant]
    assert not broken(run)
