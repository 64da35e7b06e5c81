"""What protection cost the guest while it ran protected on its first host."""

import numpy as np
import numpy.typing as npt

from results.recomputation.folder import Folder, Values

Intervals = list[tuple[int, int]]
CAUSES = ("pause", "early_copy", "stall", "fault")
PROTECTED_UNTIL = ("down", "switchover", "alone", "takeover", "end")


def metrics(folder: Folder) -> Values:
    end = folder.reading_at(*PROTECTED_UNTIL)
    assert end is not None
    own_ns = folder.ran_ns("primary", 0, end.time_ns) - end.logging_ns - end.tracking_ns - end.contention_ns
    if own_ns <= 0:
        return dict.fromkeys(("guest.slowdown", *(f"guest.{cause}_fraction" for cause in CAUSES)))
    lost: dict[str, float] = dict(_stopped_ns(folder, end.time_ns))
    lost["stall"] += end.logging_ns + end.contention_ns
    lost["fault"] += end.tracking_ns
    fractions = {f"guest.{cause}_fraction": lost[cause] / own_ns for cause in CAUSES}
    return {"guest.slowdown": end.time_ns / own_ns - 1, **fractions}


def _stopped_ns(folder: Folder, until_ns: int) -> dict[str, int]:
    """Give every instant in which the VM did not run to one cause, in the order in which they are named here."""
    events = [event for event in folder.of_kind("early-copy", "interrupt") if event.host == "primary"]
    causes: dict[str, Intervals] = {
        "pause": [
            (epoch.paused_ns, epoch.resumed_ns if epoch.resumed_ns >= 0 else until_ns)
            for epoch in folder.epochs
            if epoch.pair == 0 and epoch.paused_ns >= 0
        ],
        "early_copy": [(each.time_ns, each.time_ns + each.duration_ns) for each in events if each.kind == "early-copy"],
        "fault": [(each.time_ns, each.time_ns + each.duration_ns) for each in events if each.kind == "interrupt"],
        "stall": [(0, until_ns)],
    }
    ran: Intervals = [(begin, end) for begin, end in folder.rest["spans"]["primary"]]
    edges = np.unique([0, until_ns, *(instant for pair in sum(causes.values(), ran) for instant in pair)])
    edges = edges[(edges >= 0) & (edges <= until_ns)]
    lengths, free = np.diff(edges), ~_covered(edges, ran)
    lost = {}
    for cause, intervals in causes.items():
        its = free & _covered(edges, intervals)
        lost[cause] = int(lengths[its].sum())
        free &= ~its
    return lost


def _covered(edges: npt.NDArray[np.int64], intervals: Intervals) -> npt.NDArray[np.bool_]:
    """Say of each stretch between two edges whether it lies in one of some intervals."""
    depth = np.zeros(edges.size + 1, np.int64)
    for begin, end in intervals:
        if begin < end:
            depth[np.searchsorted(edges, begin)] += 1
            depth[np.searchsorted(edges, end)] -= 1
    return depth.cumsum()[: edges.size - 1] > 0
