"""A protocol that the product does not have: one new file, and nothing else is touched."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from runs_for_tests import broken, observe
from scenarios_for_tests import small

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.modification_tracker import MakeRoom
from vmfailover.scenario import Scenario, ScenarioError
from vmfailover.scenario.replication import Replication


class EveryLine:
    """Knows nothing of what is modified, and so finds everything."""

    find_ns = 0
    needs_room = False
    position = 0

    def __init__(self, context: ProtectionContext, hosted: HostedVm) -> None:
        self._env = context.env
        self._addresses = np.arange(hosted.host.memory.versions.size) * hosted.host.memory.line_bytes
        self._found = self._addresses[:0]

    def check_periodically(self, interval_ns: int, make_room: MakeRoom, after: Callable[[], None]) -> Steps:
        del interval_ns, make_room, after
        yield self._env.event()

    def find_modified(self, make_room: MakeRoom) -> Steps:
        del make_room
        self._found = self._addresses
        yield self._env.timeout(0)

    def read(self) -> npt.NDArray[np.int64]:
        found, self._found = self._found, self._addresses[:0]
        return found

    def outstanding(self) -> npt.NDArray[np.int64]:
        return np.arange(self._addresses.size)

    def note_device_write(self, lines: range) -> None:
        pass

    def release(self, position: int) -> None:
        pass


class WholeMemory(Checkpointing):
    """Ships all of memory with every checkpoint."""

    def new_tracker(self, hosted: HostedVm) -> EveryLine:
        return EveryLine(self.context, hosted)


class WholeMemorySettings(Replication):
    """What a scenario says of it: nothing of its own."""

    code: ClassVar[str] = f"{__name__}:WholeMemory"


@pytest.fixture
def eleventh(monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Return a scenario under the new protocol."""
    monkeypatch.setitem(Replication.kinds, "whole-memory", WholeMemorySettings)
    return small("base", **{"replication.protocol": "whole-memory", "link.bandwidth": "100 Gbit/s"})


def test_it_runs_fails_over_and_keeps_its_promises(eleventh: Scenario) -> None:
    run = observe(eleventh)
    assert not broken(run)
    assert isinstance(run.cluster.protection, WholeMemory)
    assert run.result.values["failover.latency_ns"]
    epochs = [epoch for epoch in run.cluster.protection.epochs if epoch.acknowledged_ns is not None]
    assert len(epochs) > 3
    assert {epoch.residue for epoch in epochs} == {run.cluster.primary.host.memory.versions.size}


def test_it_is_suggested_to_those_who_misspell_it(eleventh: Scenario) -> None:
    with pytest.raises(ScenarioError, match="did you mean 'whole-memory'"):
        eleventh.with_(**{"replication.protocol": "whole-memroy"})


def test_its_name_is_unknown_where_it_is_not_registered() -> None:
    with pytest.raises(ScenarioError, match="'whole-memory' is unknown"):
        small("base", **{"replication.protocol": "whole-memory"})
