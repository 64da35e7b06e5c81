"""The metrics of clients: every request that was sent counts, whether it was answered or not."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vmfailover.records.metric_values import Metrics
from vmfailover.results.intervals import length_of
from vmfailover.results.outage import Outage, first_outage
from vmfailover.results.records import Records
from vmfailover.results.response_times import NEVER, response_times

#: Quantiles of response times, by the names that metrics give them.
QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
#: Instants, nanoseconds, int64[n]; which of n requests are meant, bool[n].
_Instants = npt.NDArray[np.int64]
_Chosen = npt.NDArray[np.bool_]


def client_metrics(records: Records) -> Metrics:
    """Compute what clients saw: the blackout, and the response times of all requests and of those around the outage."""
    metrics: Metrics = {"client.blackout_ns": length_of(records.blackout)}
    for name, (sent_ns, received_ns) in requests_by_phase(records).items():
        metrics |= _responses(f"client.{name}", sent_ns, received_ns, records)
    return metrics


def requests_by_phase(records: Records) -> dict[str, tuple[_Instants, _Instants]]:
    """Return the requests that each group of metrics is about, by what their names begin with after `client.`.

    Of each group: when its requests were sent, and when their answers came, or `NEVER`.
    """
    outage, (sent_ns, received_ns) = first_outage(records.event_rows), _instants(records)
    chosen = {name: sent_at(sent_ns, outage) for name, sent_at in _PHASES.items()}
    return {name: (sent_ns[those], received_ns[those]) for name, those in chosen.items()}


def _instants(records: Records) -> tuple[_Instants, _Instants]:
    """Return when the requests after the time for warming up were sent, and when their answers came, or `NEVER`."""
    count = len(records.requests)
    sent_ns = np.fromiter((each.sent_ns for each in records.requests), np.int64, count)
    received = (NEVER if each.received_ns is None else each.received_ns for each in records.requests)
    received_ns = np.fromiter(received, np.int64, count)
    counted = sent_ns >= records.scenario.warm_up
    return sent_ns[counted], received_ns[counted]


def _all(sent_ns: _Instants, outage: Outage | None) -> _Chosen:
    del outage
    return np.ones(sent_ns.size, np.bool_)


def _before(sent_ns: _Instants, outage: Outage | None) -> _Chosen:
    return _all(sent_ns, outage) if outage is None else sent_ns < outage.began_ns


def _after(sent_ns: _Instants, outage: Outage | None) -> _Chosen:
    ended_ns = None if outage is None else outage.ended_ns
    return ~_all(sent_ns, outage) if ended_ns is None else sent_ns >= ended_ns


#: Which requests the metrics of clients are about, by what their names begin with.
_PHASES: dict[str, Callable[[_Instants, Outage | None], _Chosen]] = {
    "": _all,
    "before.": _before,
    "across.": lambda sent_ns, outage: ~_before(sent_ns, outage) & ~_after(sent_ns, outage),
    "after.": _after,
}


def _responses(name: str, sent_ns: _Instants, received_ns: _Instants, records: Records) -> Metrics:
    """Return how many requests there were, and how long they took, of a run that had clients."""
    times = response_times(sent_ns, received_ns, records.end_ns)
    mean_ns, bound_ns = times.mean_ns, times.longest_ns
    metrics: Metrics = {
        f"{name}requests": sent_ns.size if records.scenario.clients else None,
        f"{name}unanswered": int(np.sum(received_ns == NEVER)) if records.scenario.clients else None,
        f"{name}latency_mean_ns": mean_ns,
        f"{name}latency_mean_at_least_ns": None if times.complete else mean_ns,
    }
    for label, share in QUANTILES.items():
        quantile_ns = times.quantile_ns(share)
        metrics[f"{name}latency_{label}_ns"] = quantile_ns
        metrics[f"{name}latency_{label}_at_least_ns"] = bound_ns if quantile_ns is None else None
    return metrics
