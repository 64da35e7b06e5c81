"""How a cluster stands, in plain words."""

from collections.abc import Iterator

from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.records.events import Event
from vmfailover.replication.epoch import Epoch
from vmfailover.scenario.units import SIZE


def describe(cluster: Cluster) -> str:
    """Return a line each on the VM, the hosts, the link, the epoch in progress, and what happened last."""
    return "\n".join(_lines(cluster))


def _lines(cluster: Cluster) -> Iterator[str]:
    yield f"at {instant(int(cluster.env.now))}: {_vm(cluster)}"
    for hosted in cluster.inventory.hosted.values():
        yield _host(hosted)
    link = cluster.pair.context.link
    for name, channel in (("forward", link.forward), ("backward", link.backward)):
        state = "cut, " if channel.is_cut else ""
        yield f"link {name}: {state}{SIZE.format(channel.stream_bytes_left)} of replication have left"
    if cluster.epochs:
        yield _epoch(cluster.epochs[-1])
    if cluster.event_log.events:
        yield _event(cluster.event_log.events[-1])


def _vm(cluster: Cluster) -> str:
    active = cluster.active
    guest = f"{instant(active.vm.guest_ns(int(cluster.env.now)))} of guest time done"
    if not active.host.up:
        return f"the VM went down with the {active.host.name}, {guest}"
    state = "runs" if active.vm.running else "stands still"
    return f"the VM {state} on the {active.host.name}, {guest}; {_protected(cluster)}"


def _protected(cluster: Cluster) -> str:
    pair = cluster.pair
    if pair.unprotected is not None:
        return "no other host protects it"
    return f"the {pair.standby.host.name} protects it by {cluster.scenario.replication.protocol}"


def _host(hosted: HostedVm) -> str:
    host, log = hosted.host, hosted.vm.log
    rows = f"{host.processor.dirty_rows} dirty rows, {host.processor.flagged_lines.size} of them flagged"
    return f"{host.name}: {host.state}; {rows}; {log.entries} of {log.capacity} log entries in use"


def _epoch(epoch: Epoch) -> str:
    shipped = f"{epoch.entries} addresses read, {epoch.lines} lines shipped"
    return f"epoch {epoch.number}: began at {instant(epoch.started_ns)}; {shipped}"


def _event(event: Event) -> str:
    return f"last event, at {instant(event.time_ns)}: {told(event)}"


def told(event: Event) -> str:
    """Return what happened where, as `failure on primary (host-crash)`."""
    epoch = f"epoch {event.epoch}" if event.epoch >= 0 else ""
    details = ", ".join(filter(None, (epoch, event.detail)))
    return f"{event.kind} on {event.host}" + (f" ({details})" if details else "")


def instant(time_ns: int) -> str:
    """Return an instant in milliseconds, to the nanosecond."""
    return f"{time_ns / 1e6:.6f} ms"
