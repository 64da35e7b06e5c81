"""Follows a run and judges it by the invariants."""

import numpy as np

from vmfailover.cluster import Cluster
from vmfailover.hardware.cache.state import Counter
from vmfailover.journal import Event
from vmfailover.replication.site import Node
from vmfailover.results.invariants import (
    Auditor,
    Commit,
    Verdict,
    active_verdict,
    image_verdict,
    output_verdict,
    overlap_ns,
)


class Audit:
    """Executes the program of the guest beside the simulation, epoch by epoch as they are committed."""

    def __init__(self, cluster: Cluster) -> None:
        """Follow a run from its start, with streams of the guest's accesses of its own."""
        self._cluster = cluster
        scenario = cluster.scenario
        self.auditor = Auditor(
            cluster.workload,
            cluster.primary.guest.ring,
            cluster.start,
            scenario.vm.memory,
            scenario.hosts.primary.line,
        )
        self.commits: list[Commit] = []
        self.mismatched_lines = 0
        #: Bytes of distinct 64-byte blocks modified in the committed epochs, summed over them.
        self.committed_bytes = 0
        self._image = Verdict("image", True)
        self._complete = False
        cluster.journal.on("commit", self._on_commit)
        cluster.journal.on("apply", self._on_apply)
        cluster.journal.on("image-complete", lambda event: self._judge_image(event.epoch))

    def _on_commit(self, event: Event) -> None:
        epoch = self._cluster.protection.epochs[event.epoch]
        assert epoch.state is not None
        self.commits.append(Commit(event.epoch, event.time_ns, epoch.state.guest_ns))
        self.auditor.advance(epoch.state, epoch.number, epoch.logged if self._promises("nothing_lost_in_log") else None)
        epoch.logged.clear()
        self.committed_bytes = self.auditor.dirtied_bytes

    def _on_apply(self, event: Event) -> None:
        """Judge the image after each epoch too, unless a later one is committed already."""
        if event.epoch == self.commits[-1].epoch and not self._complete:
            self._judge(event.epoch)

    def _judge_image(self, epoch: int) -> None:
        self._complete = True
        self.mismatched_lines = self._judge(epoch)

    def _judge(self, epoch: int) -> int:
        """Hold the secondary's image against the program; the first mismatch is kept. Returns mismatched lines."""
        comparison = self.auditor.compare_coherent(self._cluster.secondary.host.processor.state)
        if self._image.holds:
            self._image = image_verdict("image", epoch, comparison)
        return comparison.mismatched

    @property
    def split_brain_ns(self) -> int:
        """How long both hosts ran the VM, the secondary as the one that clients see: since it took over."""
        takeover = self._cluster.journal.first("takeover")
        if takeover is None:
            return 0
        primary, secondary = (self._spans(node, takeover.time_ns) for node in self._nodes)
        return overlap_ns(primary, secondary)

    @property
    def split_brain_outputs(self) -> int:
        """Answers that the old primary let leave by itself after the secondary had taken over."""
        takeover = self._cluster.journal.first("takeover")
        return sum(at >= takeover.time_ns for at in self._cluster.answers_alone) if takeover else 0

    @property
    def diverged_lines(self) -> int:
        """Lines that the two hosts do not have alike, if both have run the VM at once."""
        if not self.split_brain_ns:
            return 0
        lines = np.arange(self._cluster.primary.host.memory.versions.size)
        ours, theirs = (node.host.processor.fetch(lines)[0] for node in self._nodes)
        return int(np.count_nonzero(ours != theirs))

    @property
    def _nodes(self) -> tuple[Node, Node]:
        return self._cluster.primary, self._cluster.secondary

    @staticmethod
    def _spans(node: Node, since_ns: int) -> list[tuple[int, int]]:
        return [(max(start, since_ns), end) for start, end in node.vm.spans if max(start, since_ns) < end]

    def _promises(self, name: str) -> bool:
        return name in self._cluster.protection.promises

    @property
    def outputs_lost(self) -> int:
        """Outputs that clients have and the state taken over does not account for."""
        protection = self._cluster.protection
        if protection.unprotected is None:
            return 0
        reached = protection.committed.guest_ns
        return sum(release.guest_ns > reached and not release.agreed for release in self._cluster.releases)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Judge the run as it stands, which is its end, by what its protocol promises."""
        cluster = self._cluster
        for node in self._nodes:
            node.vm.pause(int(cluster.env.now))
        if not self._complete and cluster.protection.settle():
            self._judge_image(cluster.protection.committed_epoch)
        down = cluster.journal.first("down")
        program = self._program_verdict()
        verdicts = (
            self._image,
            output_verdict(cluster.releases, self.commits, down.time_ns if down else None),
            active_verdict(self.split_brain_ns, fenced=cluster.scenario.fencing.kind != "none"),
            self._log_verdict(),
            self._balance_verdict(),
            program,
        )
        return tuple(verdict for verdict in verdicts if self._promises(verdict.name))

    def _log_verdict(self) -> Verdict:
        lost = self.auditor.lost
        return Verdict("nothing_lost_in_log", not lost, "; ".join(lost[:3]))

    def _balance_verdict(self) -> Verdict:
        for node in self._nodes:
            processor = node.host.processor
            if not processor.dirty_lines_balance:
                dirtied, written = processor.count(Counter.DIRTIED), processor.count(Counter.WRITEBACKS)
                detail = (
                    f"{node.host.name}: {dirtied} rows dirtied, {written} written back, {processor.dirty_rows} dirty"
                )
                return Verdict("dirty_lines_balance", False, detail)
        return Verdict("dirty_lines_balance", True)

    def _program_verdict(self) -> Verdict:
        """The memory that the running VM sees at the end is what its program has made of it."""
        cluster = self._cluster
        unprotected, epochs = cluster.protection.unprotected, len(cluster.protection.epochs)
        node = cluster.secondary if unprotected else cluster.primary
        found = unprotected.found_modified() if unprotected else None
        self.auditor.advance(node.guest.capture(), epochs, None if found is None else [found])
        comparison = self.auditor.compare_coherent(node.host.processor.state)
        return image_verdict("program", epochs, comparison)
