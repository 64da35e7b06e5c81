"""The proof in every run: what must hold, checked against the guest's program alone.

Nothing here uses the caches, the log or the protocol. The auditor executes the guest's stores itself, from the
workload, up to the point at which a checkpoint captured each vCPU: what memory must contain there follows from the
program, whatever the simulated machine did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vmfailover.audit.expected_memory import EXAMPLES, MODULUS, ExpectedMemory
from vmfailover.guest.fidelity import GuestWorkload, new_joint_replay
from vmfailover.guest.guest import NO_RING, GuestState, Ring
from vmfailover.guest.outlet import Release
from vmfailover.hardware.cache.state import CacheState
from vmfailover.traces.accesses import BLOCK_BYTES

#: The names of all invariants; a protocol promises some of them.
INVARIANTS = (
    "image",
    "output_commit",
    "one_active_vm",
    "nothing_lost_in_log",
    "dirty_lines_balance",
    "program",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an invariant holds, and if not, where it is broken."""

    name: str
    holds: bool
    detail: str = ""
    #: Whether the scenario waives it: it is looked at, and not demanded.
    waived: bool = False

    @property
    def broken(self) -> bool:
        """Whether it was promised, and does not hold."""
        return not (self.holds or self.waived)


@dataclass(frozen=True, slots=True)
class Commit:
    """A checkpoint that the secondary has whole."""

    epoch: int
    time_ns: int
    #: Guest time that it captured.
    guest_ns: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many lines of an image are wrong, and the first few of them."""

    mismatched: int
    examples: list[int]


class ProgramReplayer:
    """Knows what the memory of the VM must contain at any point of its program."""

    def __init__(
        self,
        workload: GuestWorkload,
        ring: Ring,
        start: GuestState,
        memory_bytes: int,
        line_bytes: int,
        unit_lines: int = 1,
        stores: Ring | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        """Begin at `start`, nothing having been written.

        Devices write to the lines of `ring`, and the guest stores for requests to those of `stores`, if to any.
        Modified memory is logged in units of `unit_lines` lines, a power of two, and the workload stores to blocks of
        `block_bytes`.
        """
        self._ring, self._stores = ring, stores or NO_RING
        self._replay = new_joint_replay(workload, start.positions)
        self._line_bytes = line_bytes
        self._at = start
        self._ledger = ExpectedMemory(memory_bytes, line_bytes, unit_lines, block_bytes)
        self._block_bytes = block_bytes
        self._recent: list[npt.NDArray[np.int64]] = []
        #: Bytes of the distinct 64-byte blocks modified, summed over the epochs.
        self.dirtied_bytes = 0
        #: What was modified without being logged, a line of text an epoch.
        self.lost: list[str] = []

    def advance(
        self,
        to: GuestState,
        epoch: int,
        logged: Iterable[npt.NDArray[np.int64]] | None,
    ) -> None:
        """Execute the program up to a captured state.

        `logged` are addresses in the units logged meanwhile, None to not ask.
        """
        for addresses in logged or ():
            self._ledger.log(addresses, epoch)
        missing, examples = self._execute(to, epoch)
        unlogged = self._write(to, epoch)
        self._at = to
        missing, examples = missing + len(unlogged), (examples + unlogged)[:EXAMPLES]
        if missing and logged is not None:
            self.lost.append(f"epoch {epoch}: {missing} modified blocks not logged, in lines {examples}")

    def _write(self, to: GuestState, epoch: int) -> list[int]:
        """Write what devices write, and what the guest stores for requests; return lines written unlogged."""
        received = self._ring.written(self._at.device_writes, to.device_writes)
        written = np.append(received, self._stores.written(self._at.request_stores, to.request_stores))
        if not written.size:
            return []
        self._note(written)
        self.dirtied_bytes += np.unique(written).size * self._line_bytes
        return self._ledger.write(written, epoch)

    def _execute(self, to: GuestState, epoch: int) -> tuple[int, list[int]]:
        """Execute the vCPUs' stores up to a state; say how many blocks were written unlogged, with examples."""
        missing, examples = 0, list[int]()
        for chunk in self._replay.up_to(to.positions):
            fresh, lines, unlogged = self._ledger.store(chunk, epoch)
            self._note(chunk.block)
            self.dirtied_bytes += fresh * self._block_bytes
            missing += unlogged
            examples += lines
        return missing, examples

    def _note(self, lines: npt.NDArray[Any]) -> None:
        """Remember lines that are stored to, if blocks are lines, until they are compared."""
        if self._block_bytes == self._line_bytes:
            self._recent.append(lines.astype(np.int64))

    def compare_recent(self, image: npt.NDArray[np.uint32]) -> Comparison:
        """Hold those lines of an image, uint32[lines], against the program that it has stored to since the last time.

        Blocks have to be lines.
        """
        recent, self._recent = np.concatenate([np.empty(0, np.int64), *self._recent]), []
        return Comparison(*self._ledger.compare_lines(image, recent))

    def compare(self, image: npt.NDArray[np.uint32]) -> Comparison:
        """Hold an image, uint32[lines], against what the program makes of it."""
        return Comparison(*self._ledger.compare(image))

    def compare_coherent(self, state: CacheState) -> Comparison:
        """Hold what a host's cores see against the program: its memory with the dirty rows of its caches in it."""
        rows = state.l2[:, :, 1:]
        dirty = rows[(rows >= 0) & (rows & 1 == 1)]
        lines = dirty >> 32
        behind = state.memory[lines]
        state.memory[lines] = (dirty >> 2) % MODULUS
        comparison = self.compare(state.memory)
        state.memory[lines] = behind
        return comparison


def image_verdict(name: str, epoch: int, comparison: Comparison) -> Verdict:
    """Judge an image by its mismatched lines."""
    if comparison.mismatched == 0:
        return Verdict(name, True)
    examples = ", ".join(map(str, comparison.examples))
    more = ", …" if comparison.mismatched > len(comparison.examples) else ""
    lines = f"{comparison.mismatched} lines differ from what epoch {epoch} left in them"
    return Verdict(name, False, f"{lines}: {examples}{more}")


def output_verdict(releases: Sequence[Release], commits: Sequence[Commit], down_ns: int | None = None) -> Verdict:
    """Judge output commit: every output belongs to a state that the secondary had when the output was released.

    A secondary that executes by itself has that state when it has produced the same output.

    Nothing leaves a host that is down.
    """
    times = np.array([commit.time_ns for commit in commits], np.int64)
    reached = np.maximum.accumulate(np.array([-1, *(commit.guest_ns for commit in commits)], np.int64))
    for release in releases:
        if down_ns is not None and release.time_ns > down_ns:
            detail = f"an output left at {release.time_ns} ns, after its host went down at {down_ns} ns"
            return Verdict("output_commit", False, detail)
        covered = reached[np.searchsorted(times, release.time_ns, side="right")]
        if release.guest_ns > covered and not release.agreed:
            detail = f"an output of guest time {release.guest_ns} ns left at {release.time_ns} ns, before its commit"
            return Verdict("output_commit", False, detail)
    return Verdict("output_commit", True)


def overlap_ns(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> int:
    """Return how long two sequences of ordered spans overlap."""
    total, i, j = 0, 0, 0
    while i < len(first) and j < len(second):
        begin, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        total += max(0, end - begin)
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return total


def active_verdict(split_brain_ns: int, *, waived: bool) -> Verdict:
    """Judge that never both hosts ran the VM, which nothing ensures without fencing: then it is waived."""
    overlap = f"both hosts ran the VM for {split_brain_ns / 1e6:g} ms" if split_brain_ns else ""
    reason = "waived by fencing: none" if waived else ""
    return Verdict("one_active_vm", not split_brain_ns, "; ".join(filter(None, (reason, overlap))), waived)
