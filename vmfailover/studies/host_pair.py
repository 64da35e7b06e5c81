"""Two hosts that fail and are repaired for many years, and the VM that one of them runs: failure by failure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import gamma

import numpy as np

from vmfailover.engine.streams import generator

#: Random numbers drawn at a time.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class HostPair:
    """How two equal hosts fail and are repaired, and what that costs the VM.

    Times between failures are exponential, or Weibull with another shape than 1; times to repair are exponential, and
    a repaired host is as good as new. Assumed. Hosts fail independently, whether they run the VM or not; times are
    nanoseconds.
    """

    #: Mean time to failure of one host.
    mttf_ns: int
    #: Mean time to repair of one host, without waiting for the crew.
    mttr_ns: int
    #: Blackouts of failovers; each failover has one of them, all being equally likely.
    failovers_ns: tuple[int, ...]
    #: From both hosts being up until the second can take over.
    resynchronisation_ns: int = 0
    #: From a host being up until it serves, the VM having been lost.
    restart_ns: int = 0
    #: Whether one crew repairs one host after the other, and not both at once.
    one_crew: bool = False
    weibull_shape: float = 1.0


@dataclass(frozen=True, slots=True)
class Life:
    """What a pair of hosts has gone through, and its VM."""

    #: How long it was, nanoseconds.
    time_ns: int
    #: Failures of hosts.
    failures: int
    #: Failures of the host with the VM that the other host took over from.
    failovers: int
    #: Failures of the host with the VM while the other could not take over.
    outages: int
    #: Downtime by failovers, nanoseconds.
    failover_ns: int
    #: Downtime by outages, nanoseconds.
    outage_ns: int
    #: Time in which no other host could have taken over, outages included, nanoseconds.
    exposure_ns: int

    @property
    def downtime_ns(self) -> int:
        """Time without the VM, nanoseconds."""
        return self.failover_ns + self.outage_ns


def live(pair: HostPair, time_ns: int, seed: int, number: int = 0) -> Life:
    """Return what so much time brings to a pair of new hosts in step; lives of other numbers are independent of it.

    The random numbers of lifetimes, repairs and failovers have streams of their own. When hosts fail depends on
    nothing but their lifetimes and repairs, so that pairs that differ in something else have the same failures.
    """
    process = _Process(pair, seed, number)
    while process.next_failure_ns < time_ns:
        process.fail()
    return process.life(time_ns)


@dataclass(slots=True)
class _Downtime:
    """The VM's downtime for one reason."""

    times: int = 0
    total_ns: int = 0


class _Process:
    """The hosts after some failures. The repair of a host that has failed, and its next failure, are drawn at once."""

    def __init__(self, pair: HostPair, seed: int, number: int) -> None:
        def random(name: str) -> np.random.Generator:
            return generator(seed, f"availability.{name}.{number}")

        self._pair = pair
        self._lifetimes = [_times(random(f"lifetime.{host}"), pair.mttf_ns, pair.weibull_shape) for host in range(2)]
        self._repairs = [_times(random(f"repair.{host}"), pair.mttr_ns, 1.0) for host in range(2)]
        self._blackouts = _choices(random("failover"), pair.failovers_ns)
        #: By host: when it fails next, and when its last repair ends or ended.
        self._fails_ns = [next(lifetimes) for lifetimes in self._lifetimes]
        self._repaired_ns = [0, 0]
        self._failures = 0
        self._failovers, self._outages = _Downtime(), _Downtime()
        #: The host that has the VM, or will have it once it is up.
        self._active = 0
        #: From when on the VM is up, and why it was not before.
        self._up_ns, self._reason = 0, self._failovers
        #: From when on the other host can take over.
        self._in_step_ns = 0
        self._exposure_ns = 0

    @property
    def next_failure_ns(self) -> int:
        """When the next host fails."""
        return min(self._fails_ns)

    def fail(self) -> None:
        """Let the next host fail."""
        now_ns = self.next_failure_ns
        host = self._fails_ns.index(now_ns)
        self._failures += 1
        self._repair(host, now_ns)
        if host == self._active and now_ns >= self._in_step_ns:
            self._active = 1 - host
            self._stop(self._failovers, now_ns, now_ns + next(self._blackouts))
        elif host == self._active:
            self._active = self._repaired_ns.index(min(self._repaired_ns))
            self._stop(self._outages, now_ns, max(now_ns, self._repaired_ns[self._active]) + self._pair.restart_ns)
        in_step_ns = max(self._up_ns, *self._repaired_ns) + self._pair.resynchronisation_ns
        self._exposure_ns += in_step_ns - max(now_ns, self._in_step_ns)
        self._in_step_ns = in_step_ns

    def _repair(self, host: int, now_ns: int) -> None:
        begins_ns = max(now_ns, self._repaired_ns[1 - host]) if self._pair.one_crew else now_ns
        self._repaired_ns[host] = begins_ns + next(self._repairs[host])
        self._fails_ns[host] = self._repaired_ns[host] + next(self._lifetimes[host])

    def _stop(self, reason: _Downtime, now_ns: int, until_ns: int) -> None:
        """Take the VM down; if it is down already, the earlier reason ends here."""
        self._reason.total_ns -= max(0, self._up_ns - now_ns)
        reason.times += 1
        reason.total_ns += until_ns - now_ns
        self._reason, self._up_ns = reason, until_ns

    def life(self, time_ns: int) -> Life:
        """Return what has come to pass, so much time having passed."""
        self._reason.total_ns -= max(0, self._up_ns - time_ns)
        return Life(
            time_ns,
            self._failures,
            self._failovers.times,
            self._outages.times,
            self._failovers.total_ns,
            self._outages.total_ns,
            self._exposure_ns - max(0, self._in_step_ns - time_ns),
        )


def _times(random: np.random.Generator, mean_ns: int, shape: float) -> Iterator[int]:
    """Yield Weibull-distributed times with this mean, by the mean Γ(1 + 1/shape) of the standard distribution."""
    scale_ns = mean_ns / gamma(1 + 1 / shape)
    while True:
        yield from map(int, (random.weibull(shape, _BLOCK) * scale_ns).tolist())


def _choices(random: np.random.Generator, values: tuple[int, ...]) -> Iterator[int]:
    while True:
        yield from (values[index] for index in random.integers(len(values), size=_BLOCK).tolist())
