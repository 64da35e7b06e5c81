"""What protection shipped and logged, and what the audit found."""

from results.recomputation.folder import Folder, Values
from results.recomputation.guest import PROTECTED_UNTIL

SHIPPED_UNTIL = ("down", "alone", "takeover", "end")


def metrics(folder: Folder) -> Values:
    findings = folder.rest["findings"]
    return {
        "loss.outputs": findings["outputs_lost"],
        "loss.split_brain_ns": findings["split_brain_ns"],
        "loss.split_brain_outputs": findings["split_brain_outputs"],
        "loss.diverged_lines": findings["diverged_lines"],
        "image.consistent": not findings["mismatched_lines"],
        "image.mismatched_lines": findings["mismatched_lines"],
        **_shipped(folder),
        **_logged(folder),
        "run.accesses": folder.rest["accesses"],
    }


def _shipped(folder: Folder) -> Values:
    end = folder.reading_at(*SHIPPED_UNTIL)
    assert end is not None
    committed = [epoch for epoch in folder.epochs if epoch.pair == 0 and epoch.committed_ns >= 0]
    modified, shipped = (
        sum(getattr(epoch, name) for epoch in committed) for name in ("dirtied_bytes", "shipped_bytes")
    )
    return {
        "replication.bytes": end.bytes_sent,
        "replication.lines": end.lines_received,
        "replication.bandwidth_bps": end.bytes_sent * 8 / (end.time_ns / 1e9) if end.time_ns else 0.0,
        "replication.amplification": shipped / modified if modified else None,
        "replication.memory_bytes": end.memory_bytes,
    }


def _logged(folder: Folder) -> Values:
    end = folder.reading_at(*PROTECTED_UNTIL)
    assert end is not None
    causes = {cause: getattr(end, f"log_{cause}") for cause in ("castout", "scan", "transfer", "software")}
    return {
        "log.entries": sum(causes.values()),
        **{f"log.{cause}": count for cause, count in causes.items() if cause != "software"},
        "log.duplicates": end.log_duplicates,
        "log.peak_fill": end.log_peak_fill,
        "log.interrupts": end.log_interrupts,
        "log.stall_ns": end.log_stall_ns,
    }
