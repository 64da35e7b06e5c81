"""Follows a run and judges it by the invariants."""

import numpy as np

from vmfailover.audit.invariants import (
    Commit,
    ProgramReplayer,
    Verdict,
    active_verdict,
    image_verdict,
    output_verdict,
    overlap_ns,
)
from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Counter
from vmfailover.records.events import Event, Kind
from vmfailover.traces.accesses import BLOCK_BYTES


class Judge(Observer):
    """Executes the program of the guest beside the simulation, epoch by epoch as they are committed."""

    def __init__(self, cluster: Cluster) -> None:
        """Follow a run from its start, with streams of the guest's accesses of its own."""
        self._cluster = cluster
        scenario = cluster.scenario
        self._sampled = scenario.fidelity == "sampled"
        self.auditor = ProgramReplayer(
            cluster.workload,
            cluster.primary.guest.ring,
            cluster.start,
            scenario.vm.memory,
            scenario.image_line,
            max(1, scenario.replication.unit_bytes(scenario.image_line) // scenario.image_line),
            cluster.primary.guest.stores,
            scenario.image_line if self._sampled else BLOCK_BYTES,
        )
        self.commits: list[Commit] = []
        self.mismatched_lines = 0
        #: Bytes of distinct 64-byte blocks modified in each committed epoch, by its number.
        self.dirtied_bytes: dict[int, int] = {}
        self._image = Verdict("image", True)
        #: Whether the newest image is complete, and the VM runs from it.
        self._complete = False

    def event(self, event: Event) -> None:
        """Judge an image whenever one is complete; a VM that is protected again will have a new one."""
        match event.kind:
            case Kind.COMMIT:
                self._on_commit(event)
            case Kind.APPLY:
                self._on_apply(event)
            case Kind.IMAGE_COMPLETE:
                self._judge_image(event.epoch)
            case Kind.PROTECTED:
                self._complete = False

    def _on_commit(self, event: Event) -> None:
        epoch = self._cluster.epochs[event.epoch]
        assert epoch.state is not None
        self.commits.append(Commit(event.epoch, event.time_ns, epoch.state.guest_ns))
        logged = None if epoch.whole_memory or not self._promises("nothing_lost_in_log") else epoch.logged
        before = self.auditor.dirtied_bytes
        self.auditor.advance(epoch.state, epoch.number, logged)
        epoch.logged.clear()
        self.dirtied_bytes[epoch.number] = self.auditor.dirtied_bytes - before

    def _on_apply(self, event: Event) -> None:
        """Judge the image after each epoch too, unless a later one is committed already."""
        synchronised = self._cluster.epochs[event.epoch].whole_memory
        if event.epoch == self.commits[-1].epoch and (not self._complete or synchronised):
            cluster = self._cluster
            hosted = cluster.inventory.hosted[event.host] if synchronised else cluster.pair.secondary
            self._judge(event.epoch, hosted, whole=synchronised or not self._sampled)

    def _judge_image(self, epoch: int) -> None:
        self._complete = True
        self.mismatched_lines += self._judge(epoch, self._cluster.pair.secondary)

    @property
    def _synchronised(self) -> bool:
        """Whether a further host has just been synchronised and does not protect the VM yet."""
        return bool(self.commits) and self.commits[-1].epoch > self._cluster.pair.protection.committed_epoch

    def _judge(self, epoch: int, hosted: HostedVm, *, whole: bool = True) -> int:
        """Hold a host's image against the program, or only what has been stored to since the last time.

        The first mismatch is kept. Returns mismatched lines.
        """
        state = hosted.host.processor.state
        comparison = self.auditor.compare_coherent(state) if whole else self.auditor.compare_recent(state.memory)
        if self._image.holds:
            self._image = image_verdict("image", epoch, comparison)
        return comparison.mismatched

    @property
    def split_brain_ns(self) -> int:
        """How long both hosts of a pair ran the VM, the secondary as the one that clients see: since it took over."""
        return sum(self._overlap_ns(pair) for pair in self._cluster.pairs)

    def _overlap_ns(self, pair: ProtectedPair) -> int:
        since_ns = self._taken_over_ns(pair)
        if since_ns is None:
            return 0
        primary, secondary = (self._spans(hosted, since_ns) for hosted in pair.hosted)
        return overlap_ns(primary, secondary)

    def _taken_over_ns(self, pair: ProtectedPair) -> int | None:
        """Return when the secondary of a pair took over, None if it did not."""
        taken = (
            event.time_ns for event in self._cluster.event_log.events if event.kind in (Kind.TAKEOVER, Kind.RETURNED)
        )
        later = (time_ns for time_ns in taken if time_ns > pair.begun_ns)
        return next(later, None) if pair.protection.unprotected or pair.protection.handing_over else None

    @property
    def split_brain_outputs(self) -> int:
        """Answers that an old primary let leave by itself after its secondary had taken over."""
        times = [(pair.answers_alone, self._taken_over_ns(pair)) for pair in self._cluster.pairs]
        return sum(at >= since_ns for alone, since_ns in times if since_ns is not None for at in alone)

    @property
    def diverged_lines(self) -> int:
        """Lines that the two hosts do not have alike, if both have run the VM at once."""
        if not self.split_brain_ns:
            return 0
        ours, theirs = (hosted.vm.read_image() for hosted in self._cluster.pair.hosted)
        return int(np.count_nonzero(ours != theirs))

    @staticmethod
    def _spans(hosted: HostedVm, since_ns: int) -> list[tuple[int, int]]:
        return [(max(start, since_ns), end) for start, end in hosted.vm.spans if max(start, since_ns) < end]

    def _promises(self, name: str) -> bool:
        """Whether an invariant is promised; where there are no caches, nothing is said of their rows."""
        promises = self._cluster.protection.promises
        return name in promises and not (self._sampled and name == "dirty_lines_balance")

    @property
    def outputs_lost(self) -> int:
        """Outputs that clients have and the states taken over do not account for."""
        return sum(
            release.guest_ns > pair.protection.committed.guest_ns and not release.agreed
            for pair in self._cluster.pairs
            if pair.protection.unprotected is not None
            for release in pair.releases
        )

    def verdicts(self) -> tuple[Verdict, ...]:
        """Judge the run as it stands, which is its end, by what its protocol promises."""
        cluster = self._cluster
        for hosted in cluster.inventory.built:
            hosted.vm.pause(int(cluster.env.now))
        if not self._complete and not self._synchronised and cluster.pair.protection.settle():
            self._judge_image(cluster.pair.protection.committed_epoch)
        program = self._program_verdict()
        verdicts = (
            self._image,
            self._output_verdict(),
            active_verdict(self.split_brain_ns, waived=not cluster.scenario.fencing.fences),
            self._log_verdict(),
            self._balance_verdict(),
            program,
        )
        return tuple(verdict for verdict in verdicts if self._promises(verdict.name))

    def _output_verdict(self) -> Verdict:
        """Judge each pair's outputs by its own commits, and that of the synchronisation with which it began."""
        verdicts = (output_verdict(pair.releases, self._commits_of(pair), pair.down_ns) for pair in self._cluster.pairs)
        return next((verdict for verdict in verdicts if not verdict.holds), Verdict("output_commit", True))

    def _commits_of(self, pair: ProtectedPair) -> list[Commit]:
        following = self._cluster.pairs[self._cluster.pairs.index(pair) + 1 :]
        last = following[0].protection.first_epoch - 1 if following else len(self._cluster.epochs)
        return [commit for commit in self.commits if pair.protection.first_epoch - 1 <= commit.epoch < last]

    def _log_verdict(self) -> Verdict:
        lost = self.auditor.lost
        return Verdict("nothing_lost_in_log", not lost, "; ".join(lost[:3]))

    def _balance_verdict(self) -> Verdict:
        for hosted in self._cluster.inventory.built:
            processor = hosted.host.processor
            if not processor.dirty_lines_balance:
                dirtied, written = processor.count(Counter.DIRTIED), processor.count(Counter.WRITEBACKS)
                detail = (
                    f"{hosted.host.name}: {dirtied} rows dirtied, {written} written back, {processor.dirty_rows} dirty"
                )
                return Verdict("dirty_lines_balance", False, detail)
        return Verdict("dirty_lines_balance", True)

    def _program_verdict(self) -> Verdict:
        """The memory that the VM sees where it goes on at the end is what its program has made of it."""
        hosted, epochs = self._cluster.pair.protection.going_on, len(self._cluster.epochs)
        unprotected = self._cluster.pair.protection.unprotected
        found = unprotected.found_modified() if unprotected else None
        self.auditor.advance(hosted.guest.capture(), epochs, None if found is None else [found])
        comparison = self.auditor.compare_coherent(hosted.host.processor.state)
        return image_verdict("program", epochs, comparison)
