"""What clients saw: silence across the outage, and how long their requests took."""

from collections.abc import Iterator
from itertools import accumulate, pairwise

import pandas as pd

from results.recomputation.failures import FATAL, failure_at, recovers
from results.recomputation.folder import Folder, Row, Values

#: From when to when clients were without the VM; None for an end that did not come.
Outage = tuple[int, int | None]
QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
#: Far below one request in ten million.
ROUNDING = 1e-9


def first_outage(folder: Folder) -> Outage | None:
    """Find what stopped answers: the end of the VM where it ran, or the loss of the host that answers wait for."""
    own = next(iter(folder.of_kind("failure", "switchover", "down")), None)
    given_up = next(iter(folder.of_kind("detect-loss")), None) if folder.of_kind("alone") else None
    if own is not None and (given_up is None or own.time_ns <= given_up.time_ns):
        return own.time_ns, _served_again(folder, own)
    if given_up is not None:
        cause = _what_cut_off(folder, given_up)
        return cause.time_ns, _served_again(folder, cause)
    return None


def _what_cut_off(folder: Folder, verdict: Row) -> Row:
    """Return the first fault of the other host or of the link before the verdict on that host, or the verdict."""
    for event in folder.events:
        if event is verdict:
            break
        if event.kind == "standby-down" or (
            event.kind == "fault" and (event.host == verdict.detail or event.detail.startswith("link"))
        ):
            return event
    return verdict


def _served_again(folder: Folder, began: Row) -> int | None:
    """The VM serves elsewhere, or alone; or what ended its service is over, unless its host is silenced for it."""
    instants = [event.time_ns for event in folder.of_kind("takeover", "alone") if event.time_ns >= began.time_ns]
    if began.detail in FATAL:
        found = failure_at(folder, began.host, folder.events.index(began) + 1)
        if found and recovers(folder, found):
            instants.append(folder.events[found.ended].time_ns)
    elif began.kind == "fault":
        instants += _passing(folder, began)
    return min(instants, default=None)


def _passing(folder: Folder, fault: Row) -> list[int]:
    """Return when, from a fault on, as many of its kind have passed there as have struck, if they do."""
    alike = [event for event in folder.events if (event.host, event.detail) == (fault.host, fault.detail)]
    alike = alike[alike.index(fault) :]
    counts = accumulate(-1 if event.kind == "passed" else 1 for event in alike)
    return [event.time_ns for event, standing in zip(alike, counts, strict=True) if not standing][:1]


def longest_silence(folder: Folder, outage: Outage | None) -> int | None:
    """Return the longest time without an answer that has part of an outage in it."""
    if outage is None or folder.settings["clients"] is None:
        return None
    began, until = outage[0], folder.end_ns if outage[1] is None else outage[1]
    answers = folder.table("requests")["received_ns"].dropna().astype(int).sort_values()
    times = [0, *answers.tolist(), folder.end_ns]
    return max((end - start for start, end in pairwise(times) if start < until and end > began), default=None)


def metrics(folder: Folder) -> Values:
    outage = first_outage(folder)
    requests = folder.table("requests").astype("Int64")
    requests = requests[requests["sent_ns"] >= folder.settings["warm_up"]]
    found: Values = {"client.blackout_ns": longest_silence(folder, outage)}
    for name, chosen in _phases(requests, outage):
        times = _response_times(chosen, folder.end_ns)
        there = folder.settings["clients"] is not None
        found[f"client.{name}requests"] = len(chosen) if there else None
        found[f"client.{name}unanswered"] = int(chosen["received_ns"].isna().sum()) if there else None
        found |= {f"client.{name}latency_{key}": value for key, value in times.items()}
    return found


def _phases(requests: pd.DataFrame, outage: Outage | None) -> Iterator[tuple[str, pd.DataFrame]]:
    sent = requests["sent_ns"]
    began, ended = outage or (None, None)
    before = sent < began if began is not None else sent == sent
    after = sent >= ended if ended is not None else sent != sent
    yield "", requests
    yield "before.", requests[before]
    yield "across.", requests[~before & ~after]
    yield "after.", requests[after]


def _response_times(requests: pd.DataFrame, end_ns: int) -> Values:
    """Estimate the response time by redistributing to the right (Efron, 1967), which is the Kaplan–Meier estimate.

    Every request weighs the same. From the shortest time to the longest, a request without an answer leaves its weight
    to all that took longer, in equal parts; among equal times, those with an answer come first.
    """
    found: Values = {f"{label}{bound}_ns": None for label in ("mean", *QUANTILES) for bound in ("", "_at_least")}
    if requests.empty:
        return found
    answered = requests["received_ns"].notna()
    took = (requests["received_ns"].fillna(end_ns) - requests["sent_ns"]).astype(int)
    order = sorted(zip(took.tolist(), (~answered).tolist(), strict=True))
    count, longest = len(order), order[-1][0]
    weight, reached, area = 1 / count, 0.0, 0.0
    for index, (time, censored) in enumerate(order):
        if censored:
            right = count - index - 1
            weight *= (right + 1) / right if right else 0
            continue
        reached += weight
        area += weight * time
        last_of_its_time = index + 1 == count or order[index + 1] != (time, censored)
        for label, share in QUANTILES.items():
            if last_of_its_time and found[f"{label}_ns"] is None and reached >= share - ROUNDING:
                found[f"{label}_ns"] = time
    left = max(0.0, 1 - reached)
    found["mean_ns"] = area + left * longest
    if left > ROUNDING:
        found["mean_at_least_ns"] = found["mean_ns"]
    for label in QUANTILES:
        if found[f"{label}_ns"] is None:
            found[f"{label}_at_least_ns"] = longest
    return found
