"""What is compared: the outputs of both hosts, and at a synchronisation the contents of their memory."""

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from vmfailover.engine.steps import Steps
from vmfailover.guest.server import Completion
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.protocols.output_compare import OutputCompareSettings
from vmfailover.replication.protocols.output_compare.messages import SecondaryOutput
from vmfailover.scenario.sizes import PAGE_BYTES

Units = npt.NDArray[np.int64]
#: Bytes of a page's hash: 64 bits.
HASH_BYTES = 8


class OutputComparison:
    """Holds each output of the primary until the secondary has produced it too, or until both are synchronised."""

    def __init__(self, context: ProtectionContext, random: np.random.Generator) -> None:
        """Compare nothing yet; `random` decides which outputs differ."""
        self.env = context.env
        self._context = context
        self._spec = OutputCompareSettings.of(context.scenario.replication).output_compare
        self._random = random
        #: Outputs of the primary that are not compared yet, and requests that the secondary alone has answered.
        self._ours: dict[int, Completion] = {}
        self._theirs: set[int] = set()
        #: Outputs that differ, which leave with the next synchronisation.
        self._diverged: list[Completion] = []
        #: Synchronisations by now; what the secondary has produced before the last is not compared.
        self._generation = 0
        #: Happens when an output differs.
        self.differs = context.env.event()
        self.compared = 0
        self.differed = 0

    @property
    def held(self) -> list[Completion]:
        """Outputs of the primary that wait, in order: those that differ, and those that are not compared."""
        return [*self._diverged, *self._ours.values()]

    def produced_here(self, completion: Completion) -> None:
        """Take an output of the primary."""
        self._ours[completion.request] = completion
        self._compare(completion.request)

    def produced_there(self, output: SecondaryOutput) -> None:
        """Take an output of the secondary as it arrives, unless both have been synchronised since."""
        if output.generation == self._generation:
            self._theirs.add(output.request)
            self._compare(output.request)

    def begin_anew(self) -> None:
        """Forget what waits: the hosts are being synchronised."""
        self._generation += 1
        self._diverged, self._ours = [], {}
        self._theirs.clear()

    def wait_for_difference(self) -> Steps:
        """Wait until an output differs, for the longest interval at most."""
        yield self.differs | self.env.timeout(self._spec.longest_interval)
        self.differs = self.env.event()

    def _compare(self, request: int) -> None:
        """Compare two outputs once both are there."""
        if request in self._ours and request in self._theirs:
            self._theirs.discard(request)
            self._context.primary.host.run(self._judge(self._ours.pop(request)))

    def _judge(self, output: Completion) -> Steps:
        yield self.env.timeout(self._spec.compare)
        self.compared += 1
        if self._random.random() >= self._spec.divergence:
            self._context.outlet.release(output)
            return
        self.differed += 1
        self._diverged.append(output)
        if not self.differs.triggered:
            self.differs.succeed()


class MemoryComparison:
    """Finds, of the units that either host has modified, those whose contents have to be sent."""

    def __init__(self, context: ProtectionContext, random: np.random.Generator) -> None:
        """Compare nothing yet; `random` decides which units differ beyond what the model's versions say."""
        self.env = context.env
        self._context = context
        self._settings = OutputCompareSettings.of(context.scenario.replication)
        self._spec = self._settings.output_compare
        self._random = random

    def differing(self, units: Units) -> Generator[simpy.Event, Any, Units]:
        """Return the units to send: all, or with hashing those that differ, in the time that it takes to know."""
        costs = self._settings.page_tracking
        yield self.env.timeout(units.size * costs.page + costs.flush)
        if not self._spec.hashing:
            return units
        yield self.env.timeout(self._hashing_ns(units))
        return units[self.differ(units) | (self._random.random(units.size) >= self._spec.same)]

    def differ(self, units: Units) -> npt.NDArray[np.bool_]:
        """Return which units do not have the same contents on both hosts, bool[n]."""
        unit_lines, primary = self._context.unit_lines, self._context.primary.host
        lines = (units[:, np.newaxis] * unit_lines + np.arange(unit_lines)).ravel()
        lines = np.minimum(lines, primary.memory.versions.size - 1)
        ours, _ = primary.processor.fetch(lines)
        theirs, _ = self._context.secondary.host.processor.fetch(lines)
        differ: npt.NDArray[np.bool_] = (ours != theirs).reshape(-1, unit_lines).any(axis=1)
        return differ

    def _hashing_ns(self, units: Units) -> int:
        """Return how long it takes to hash units, to exchange the hashes, and to compare them."""
        pages = units.size * self._context.unit_lines * self._context.line_bytes // PAGE_BYTES
        hashing_ns = pages * self._spec.hash // self._spec.hash_threads + pages * self._spec.compare_hashes
        exchange_ns = self._context.primary.host.out.serialisation_ns(pages * HASH_BYTES)
        return hashing_ns + exchange_ns + self._context.scenario.link.latency
