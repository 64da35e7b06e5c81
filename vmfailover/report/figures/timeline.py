"""The timeline of a run as a picture: both hosts, the clients, and the last checkpoints in detail."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vmfailover.report.blackout import blackout_length
from vmfailover.report.figures.canvas import ALARM, BLUE, DARK, entitle, new_figure, save, tidy
from vmfailover.report.figures.lanes import hosts, stretches
from vmfailover.report.figures.looks import Span, draw, legend_entry
from vmfailover.report.figures.metric_axis import go_logarithmic, is_wide
from vmfailover.report.figures.story import MS, Story, Window
from vmfailover.results.outcome import headline
from vmfailover.results.quantities import duration
from vmfailover.results.run_result import RunResult

#: Inches, and those of a further panel.
SIZE = (12, 6)
_FURTHER = 1.4
#: Marks, such as commits, that a panel has room for.
_MOST_MARKS = 300
#: Share of the run below which its failover is shown by itself, too, with so much of it on either side.
_SHORT, _ASIDE = 0.05, 0.2
#: Points above the axes at which a title leaves room for the mark of the primary's end.
_ABOVE_MARK = 15
#: Share of an axis below which no text fits into a span, and from which on none fits at the right.
_ROOM_FOR_TEXT, _LATE = 0.08, 0.75
#: Share of an axis that half of the longest text in a lane takes.
_HALF_A_LABEL = 0.13
#: From where to where the lane of the link reaches.
LINK_LANE = (0.7, 1.3)
#: Behind texts that lines may cross.
_ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def timeline(result: RunResult) -> Axes:
    """Draw a run on a figure of its own and return the axes with the hosts' lanes."""
    story = Story(result)
    failover = _short_failover(story)
    with new_figure(SIZE[0], SIZE[1] + (_FURTHER if failover else 0)) as figure:
        heights = [1.5, *([2.2] if result.responses else []), *([1.3] if failover else []), 2.0]
        panels = iter(figure.subplots(len(heights), 1, height_ratios=heights))
        hosts_axes = next(panels)
        _draw_whole(hosts_axes, story)
        if result.responses:
            _draw_clients(next(panels), story, hosts_axes)
        if failover:
            _draw_failover(next(panels), story, failover)
        _draw_detail(next(panels), story)
        _draw_legend(figure, story)
        entitle(figure, f"{result.scenario.name}: {headline(result)}")
    return hosts_axes  # type: ignore[no-any-return]


def save_timeline(result: RunResult, path: Path) -> None:
    """Write the timeline of a run as a PNG file; the same result gives the same bytes."""
    save(timeline(result), path)


def _short_failover(story: Story) -> Window | None:
    """Return the first failover with what is around it, if it is too short to be seen in the whole run."""
    up = story.instant("takeover")
    if story.down is None or up is None or not 0 < up - story.down < _SHORT * story.end:
        return None
    aside = _ASIDE * (up - story.down)
    return Window(max(0.0, story.down - aside), min(story.end, up + aside))


def _draw_whole(axes: Axes, story: Story) -> None:
    _draw_hosts(axes, story, Window(0, story.end))
    axes.set_title("the whole run; dotted: shown in detail", loc="left", fontsize=9, pad=_ABOVE_MARK)
    _mark_faults(axes, story)
    _mark_detail(axes, story.detail)
    if not story.result.responses:
        axes.set_xlabel("time (ms)", fontsize=9)


def _draw_failover(axes: Axes, story: Story, window: Window) -> None:
    _draw_hosts(axes, story, window)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_title("the failover in detail", loc="left", fontsize=9, pad=_ABOVE_MARK)
    axes.set_xlabel("time (ms)", fontsize=9)


def _draw_hosts(axes: Axes, story: Story, window: Window) -> None:
    """Show which host had the VM, the commits and heartbeats, if there is room, and the parts of the failover."""
    names = hosts(story.result)[::-1]
    _lanes(axes, names)
    for host, kind, start, length in stretches(story.result):
        draw(axes, names.index(host), [(start, length)], kind)
    keepers = {event.epoch: event.host for event in story.result.event_rows if event.kind == "commit"}
    for lane, name in enumerate(names):
        commits = [at for row, at in story.commits if keepers[row.epoch] == name]
        _mark_each(axes, commits, window, (lane - 0.3, lane + 0.3), 0.8)
    for host, instants in story.result.heartbeats.items():
        low = names.index(host) - 0.46
        _mark_each(axes, [at * MS for at in instants], window, (low, low + 0.12), 0.6)
    axes.set_xlim(window.start, window.end)
    _mark_down(axes, story, named=True)


def _mark_each(axes: Axes, instants: list[float], window: Window, ends: tuple[float, float], width: float) -> None:
    """Mark the instants that a panel shows, unless there are so many that they would run into one another."""
    shown = [at for at in instants if window.start <= at <= window.end]
    if len(shown) <= _MOST_MARKS:
        axes.vlines(shown, *ends, color=DARK, linewidth=width)


def _draw_clients(axes: Axes, story: Story, hosts: Axes) -> None:
    """Every response at the time it was received."""
    times = [response.received_ns * MS for response in story.result.responses]
    latencies = [(response.received_ns - response.sent_ns) * MS for response in story.result.responses]
    axes.plot(times, latencies, ".", color=BLUE, markersize=4)
    wide = is_wide(latencies)
    if wide:
        go_logarithmic(axes, "y")
    else:
        axes.set_ylim(bottom=0)
    axes.sharex(hosts)
    _mark_down(axes, story)
    _mark_blackout(axes, story)
    axes.set_ylabel("response time\n(ms, logarithmic)" if wide else "response time (ms)", fontsize=9)
    axes.set_xlabel("time (ms)", fontsize=9)
    axes.set_title(_what_clients_received(story), loc="left", fontsize=9, pad=_ABOVE_MARK)
    tidy(axes)


def _what_clients_received(story: Story) -> str:
    """Say what the panel of responses shows, and why they are fast after a takeover that leaves the VM alone."""
    makes_checkpoints = story.result.scenario.replication.makes_checkpoints
    alone = story.instant("takeover") is not None and not story.result.values["reprotection.count"]
    waits = "; after the takeover the VM is unprotected: answers do not wait for a commit"
    return f"responses that clients received{waits if makes_checkpoints and alone else ''}"


def _mark_blackout(axes: Axes, story: Story) -> None:
    """Shade the blackout, and say how long it was: within it, or above if that is too narrow."""
    blackout = story.blackout
    if blackout is None:
        return
    axes.axvspan(blackout.start, blackout.end, color="#000000", alpha=0.09, linewidth=0)
    middle, length = (blackout.start + blackout.end) / 2, blackout_length(story.result)
    low, high = axes.get_xlim()
    if blackout.length > _ROOM_FOR_TEXT * (high - low):
        place, text = axes.get_xaxis_transform(), f"blackout\n{length}"
        axes.text(middle, 0.5, text, transform=place, ha="center", va="center", fontsize=9)
    else:
        _label_above(axes, middle, f"blackout {length}", DARK)


def _draw_detail(axes: Axes, story: Story) -> None:
    """The last epochs, in which pauses and transfers can be seen."""
    window = story.detail
    _lanes(axes, ("secondary", "link", "primary"))
    draw(axes, 2, [(0, story.primary_end)], Span.STOPPED)
    draw(axes, 2, story.spans("primary"), Span.RUNNING)
    draw(axes, 2, story.pauses, Span.PAUSED)
    _draw_link_use(axes, story)
    draw(axes, 1, story.rounds or _transfers(story), Span.SENDING)
    for row, commit in story.commits:
        _mark_commit(axes, window, commit, f"epoch {row.epoch} committed")
    axes.set_xlim(window.start, window.end)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.set_title(f"{_what_is_detailed(story)} in detail", loc="left", fontsize=9, pad=_ABOVE_MARK)
    axes.set_xlabel("time (ms)", fontsize=9)
    _mark_scans(axes, story)
    _mark_lost_work(axes, story.lost, story.result.values["loss.work_ns"])
    _mark_down(axes, story, named=True)


def _draw_link_use(axes: Axes, story: Story) -> None:
    """Fill the lane of the link as high as the share of the time for which it carried something, early lines too."""
    if not story.link_use:
        return
    low, high = LINK_LANE
    starts, lengths, shares = zip(*story.link_use, strict=True)
    heights = [low + share * (high - low) for share in shares]
    edges = [*starts, starts[-1] + lengths[-1]]
    axes.stairs(heights, edges, baseline=low, fill=True, color=Span.BUSY.value.colour, linewidth=0)


def _what_is_detailed(story: Story) -> str:
    if story.rounds:
        return "the evacuation"
    return "the last epochs of the primary" if story.down is not None else "two epochs"


def _transfers(story: Story) -> list[tuple[float, float]]:
    """What was sent after each pause; an epoch that was cut off sent until the end of the primary."""
    rows = [row for row in story.result.epoch_rows if row.resumed_ns >= 0]
    ends = [row.sent_ns * MS if row.sent_ns >= 0 else story.primary_end for row in rows]
    return [(row.resumed_ns * MS, end - row.resumed_ns * MS) for row, end in zip(rows, ends, strict=True)]


def _mark_commit(axes: Axes, window: Window, at: float, text: str) -> None:
    if not window.start <= at <= window.end:
        return
    axes.vlines(at, -0.3, 0.3, color=DARK, linewidth=1.2)
    right = at > window.start + 0.8 * window.length
    offset, side = (-4, "right") if right else (4, "left")
    axes.annotate(
        text, (at, 0), (offset, 0), textcoords="offset points", ha=side, va="center", fontsize=8, bbox=_ON_WHITE
    )


def _mark_scans(axes: Axes, story: Story) -> None:
    axes.plot(story.scans, [2.42] * len(story.scans), "v", color=DARK, markersize=4, linestyle="none", clip_on=True)


def _mark_lost_work(axes: Axes, lost: Window | None, work_ns: float | None) -> None:
    """Show the time since the last committed checkpoint, and how much of it the guest has run."""
    if lost is None or lost.length <= 0:
        return
    axes.annotate("", (lost.start, 1.45), (lost.end, 1.45), arrowprops={"arrowstyle": "<->", "color": ALARM})
    low, high = axes.get_xlim()
    middle = min((lost.start + lost.end) / 2, high - _HALF_A_LABEL * (high - low))
    text = lost_work(lost, work_ns)
    axes.text(middle, 1.42, text, color=ALARM, ha="center", va="center", fontsize=9, bbox=_ON_WHITE)


def lost_work(lost: Window, work_ns: float | None) -> str:
    """Return how much work was lost, and if the VM stood still meanwhile, since how long before the failure."""
    work, elapsed = duration(work_ns), duration(lost.length / MS)
    return f"{work} of work lost{'' if work == elapsed else f' ({elapsed} less pauses)'}"


def _mark_down(axes: Axes, story: Story, *, named: bool = False) -> None:
    if story.down is None or not axes.get_xlim()[0] <= story.down <= axes.get_xlim()[1]:
        return
    axes.axvline(story.down, color=ALARM, linewidth=1.5, linestyle="--")
    if named:
        _label_above(axes, story.down, story.cause, ALARM)


def _mark_faults(axes: Axes, story: Story) -> None:
    """Mark every fault, and name the first if nothing else is named."""
    for at, _ in story.faults:
        axes.axvline(at, color=ALARM, linewidth=1.2, linestyle=":")
    if story.faults and story.down is None:
        _label_above(axes, *story.faults[0], ALARM)


def _label_above(axes: Axes, at: float, text: str, colour: str) -> None:
    """Name an instant above the axes: at its right, unless there is too little room."""
    low, high = axes.get_xlim()
    late = at > low + _LATE * (high - low)
    axes.annotate(
        text, (at, 1), (-3 if late else 3, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=colour, fontsize=9, ha="right" if late else "left",
    )  # fmt: skip


def _mark_detail(axes: Axes, window: Window) -> None:
    """Frame what the picture below shows in detail."""
    axes.axvspan(window.start, window.end, facecolor="none", edgecolor=DARK, linewidth=0.8, linestyle=":")


def _lanes(axes: Axes, names: tuple[str, ...]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="y", length=0)
    tidy(axes)


def _draw_legend(figure: Figure, story: Story) -> None:
    handles = [*map(legend_entry, _spans_shown(story)), *_marks_shown(story)]
    figure.legend(handles=handles, loc="outside lower left", ncols=6, fontsize=8, frameon=False)


def _spans_shown(story: Story) -> list[Span]:
    of_lanes = {kind for _, kind, _, length in stretches(story.result) if length > 0}
    sampled = [Span.BUSY] if story.link_use else []
    always = [Span.RUNNING, Span.PAUSED, Span.STOPPED, *sampled, Span.SENDING, Span.RECEIVING]
    return [*always, *(kind for kind in Span if kind in of_lanes and kind not in always)]


def _marks_shown(story: Story) -> list[Line2D]:
    looks = {
        "commit": ("|", 9, bool(story.commits)),
        "check of the flags": ("v", 4, bool(story.scans)),
        "heartbeat heard": ("|", 3, any(story.result.heartbeats.values())),
    }
    marks = [
        Line2D([], [], marker=marker, color=DARK, linestyle="none", markersize=size, label=label)
        for label, (marker, size, shown) in looks.items()
        if shown
    ]
    return marks + ([Line2D([], [], color=ALARM, linestyle=":", label="fault")] if story.faults else [])
