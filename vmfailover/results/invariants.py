"""The proof in every run: what must hold, checked against the guest's program alone.

Nothing here uses the caches, the log or the protocol. The auditor executes the guest's stores itself, from the
workload, up to the point at which a checkpoint captured each vCPU: what memory must contain there follows from the
program, whatever the simulated machine did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.compilation import compiled_in_place
from vmfailover.guest.access_buffer import replay
from vmfailover.guest.accesses import AccessChunk
from vmfailover.guest.guest import GuestState
from vmfailover.guest.workloads import Workload
from vmfailover.hardware.cache.state import CacheState

#: Versions count modulo this, as the lines of the simulated memory do.
MODULUS = 1 << 30
#: Line numbers that a message names at most.
EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an invariant holds, and if not, where it is broken."""

    name: str
    holds: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """An output that has left for its client."""

    #: Guest time at which the VM produced it.
    guest_ns: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A checkpoint that the secondary has whole."""

    epoch: int
    time_ns: int
    #: Guest time that it captured.
    guest_ns: int


@compiled_in_place
def _store(
    block: npt.NDArray[np.uint32],
    write: npt.NDArray[np.uint8],
    count: npt.NDArray[np.uint32],
    shift: int,
    versions: npt.NDArray[np.uint32],
    logged: npt.NDArray[np.int32],
    stored: npt.NDArray[np.int32],
    epoch: int,
    unlogged: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Execute the stores among some records.

    Returns the 64-byte blocks stored to for the first time in this epoch, and the stores to lines that this epoch has
    not logged; the first few of these lines go to `unlogged`.
    """
    fresh = 0
    missing = 0
    for record in range(np.uint64(block.size)):
        if write[record]:
            place = np.int64(block[record])
            line = place >> shift
            versions[line] += count[record]
            if stored[place] != epoch:
                stored[place] = epoch
                fresh += 1
                if logged[line] != epoch:
                    if missing < unlogged.size:
                        unlogged[missing] = line
                    missing += 1
    return fresh, missing


@compiled_in_place
def _differing(image: npt.NDArray[np.uint32], versions: npt.NDArray[np.uint32], found: npt.NDArray[np.int64]) -> int:
    """Return how many lines of an image are not at their version; as many as it holds go to `found`."""
    differing = 0
    for line in range(np.uint64(image.size)):
        if image[line] != versions[line] & (MODULUS - 1):
            if differing < found.size:
                found[differing] = line
            differing += 1
    return differing


class Auditor:
    """Knows what the memory of the VM must contain at any point of its program."""

    def __init__(self, workload: Workload, start: GuestState, memory_bytes: int, line_bytes: int) -> None:
        """Begin at `start`, nothing having been written."""
        self._workload = workload
        self._shift = (line_bytes // 64).bit_length() - 1
        self._line_bytes = line_bytes
        self._at = start
        lines = memory_bytes // line_bytes
        #: uint32[lines]: versions at the point reached, not reduced to the modulus of the simulated memory.
        self.versions: npt.NDArray[np.uint32] = np.zeros(lines, np.uint32)
        #: One more than the last epoch that logged a line, and that stored to a block; 0 for none.
        self._logged = np.zeros(lines, np.int32)
        self._stored = np.zeros(memory_bytes // 64, np.int32)
        #: Bytes of the distinct 64-byte blocks modified, summed over the epochs.
        self.dirtied_bytes = 0
        self.lost: list[str] = []

    def advance(
        self,
        to: GuestState,
        epoch: int,
        logged: Iterable[npt.NDArray[np.int64]] | None,
        device_writes: Sequence[int],
    ) -> None:
        """Execute the program up to a captured state; `logged` are the addresses logged meanwhile, None to not ask."""
        if logged is not None:
            for addresses in logged:
                self._logged[addresses // self._line_bytes] = epoch + 1
        unlogged = np.empty(EXAMPLES, np.int64)
        missing = 0
        for vcpu, (first, stop) in enumerate(zip(self._at.positions, to.positions, strict=True)):
            for chunk in replay(self._workload, vcpu, first, stop):
                fresh, lost = self._store(chunk, epoch, unlogged)
                self.dirtied_bytes += int(fresh) * 64
                if lost and not missing:
                    missing, examples = int(lost), unlogged[:lost].tolist()
        self._write_from_devices(device_writes[self._at.device_writes : to.device_writes])
        self._at = to
        if missing and logged is not None:
            self.lost.append(f"epoch {epoch}: {missing} modified blocks not logged, lines {examples}")

    def _store(self, chunk: AccessChunk, epoch: int, unlogged: npt.NDArray[np.int64]) -> tuple[int, int]:
        return _store(
            chunk.block,
            chunk.write,
            chunk.count,
            self._shift,
            self.versions,
            self._logged,
            self._stored,
            epoch + 1,
            unlogged,
        )

    def _write_from_devices(self, lines: Sequence[int]) -> None:
        written = np.array(lines, np.int64)
        np.add.at(self.versions, written, 1)
        self.dirtied_bytes += np.unique(written).size * self._line_bytes

    def mismatches(self, image: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return the lines of an image, uint32[lines], that differ from what the program makes of them."""
        found = np.empty(_differing(image, self.versions, np.empty(0, np.int64)), np.int64)
        _differing(image, self.versions, found)
        return found


def coherent_image(state: CacheState) -> npt.NDArray[np.uint32]:
    """Return what a host's cores see, uint32[lines]: its memory with the dirty rows of its caches in it."""
    image = state.memory.copy()
    rows = state.l2[:, :, 1:]
    dirty = rows[(rows >= 0) & (rows & 1 == 1)]
    image[dirty >> 32] = (dirty >> 2) % MODULUS
    return image


def image_verdict(name: str, epoch: int, mismatched: npt.NDArray[np.int64]) -> Verdict:
    """Judge an image by its mismatched lines."""
    if mismatched.size == 0:
        return Verdict(name, True)
    examples = ", ".join(map(str, mismatched[:EXAMPLES].tolist()))
    more = ", …" if mismatched.size > EXAMPLES else ""
    return Verdict(name, False, f"{mismatched.size} lines differ from epoch {epoch}'s checkpoint: {examples}{more}")


def output_verdict(releases: Sequence[Release], commits: Sequence[Commit]) -> Verdict:
    """Judge output commit: every output belongs to a state that the secondary had when the output was released."""
    times = np.array([commit.time_ns for commit in commits], np.int64)
    reached = np.maximum.accumulate(np.array([-1, *(commit.guest_ns for commit in commits)], np.int64))
    for release in releases:
        covered = reached[np.searchsorted(times, release.time_ns, side="right")]
        if release.guest_ns > covered:
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


def active_verdict(split_brain_ns: int, *, fenced: bool) -> Verdict:
    """Judge that never both hosts ran the VM; without fencing an overlap is a result, not a defect."""
    if split_brain_ns and fenced:
        return Verdict("one_active_vm", False, f"both hosts ran the VM for {split_brain_ns} ns")
    detail = f"both hosts ran the VM for {split_brain_ns} ns: fencing is off" if split_brain_ns else ""
    return Verdict("one_active_vm", True, detail)
