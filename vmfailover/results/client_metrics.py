"""The metrics of clients: every request that was sent counts, whether it was answered or not."""

from collections.abc import Callable, Sequence

from vmfailover.guest.clients import Request
from vmfailover.records.metric_values import Metrics
from vmfailover.results.intervals import length_of
from vmfailover.results.outage import Outage, first_outage
from vmfailover.results.records import Records
from vmfailover.results.response_times import response_times

#: Quantiles of response times, by the names that metrics give them.
QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def client_metrics(records: Records) -> Metrics:
    """Compute what clients saw: the blackout, and the response times of all requests and of those around the outage."""
    metrics: Metrics = {"client.blackout_ns": length_of(records.blackout)}
    for name, requests in requests_by_phase(records).items():
        metrics |= _responses(f"client.{name}", requests, records)
    return metrics


def requests_by_phase(records: Records) -> dict[str, list[Request]]:
    """Return the requests that each group of metrics is about, by what their names begin with after `client.`."""
    outage, counted = first_outage(records.event_rows), _counted(records)
    return {name: [each for each in counted if sent_at(each, outage)] for name, sent_at in _PHASES.items()}


def _counted(records: Records) -> list[Request]:
    """Return the requests that were sent after the time for warming up."""
    return [each for each in records.requests if each.sent_ns >= records.scenario.warm_up]


def _before(request: Request, outage: Outage | None) -> bool:
    return outage is None or request.sent_ns < outage.began_ns


def _after(request: Request, outage: Outage | None) -> bool:
    return outage is not None and outage.ended_ns is not None and request.sent_ns >= outage.ended_ns


#: Which requests the metrics of clients are about, by what their names begin with.
_PHASES: dict[str, Callable[[Request, Outage | None], bool]] = {
    "": lambda _request, _outage: True,
    "before.": _before,
    "across.": lambda request, outage: not _before(request, outage) and not _after(request, outage),
    "after.": _after,
}


def _responses(name: str, requests: Sequence[Request], records: Records) -> Metrics:
    """Return how many requests there were, and how long they took, of a run that had clients."""
    times = response_times(requests, records.end_ns)
    mean_ns, bound_ns = times.mean_ns, times.longest_ns
    metrics: Metrics = {
        f"{name}requests": len(requests) if records.scenario.clients else None,
        f"{name}unanswered": sum(each.received_ns is None for each in requests) if records.scenario.clients else None,
        f"{name}latency_mean_ns": mean_ns,
        f"{name}latency_mean_at_least_ns": None if times.complete else mean_ns,
    }
    for label, share in QUANTILES.items():
        quantile_ns = times.quantile_ns(share)
        metrics[f"{name}latency_{label}_ns"] = quantile_ns
        metrics[f"{name}latency_{label}_at_least_ns"] = bound_ns if quantile_ns is None else None
    return metrics
