"""How long requests take, some of them having no answer by the end (Kaplan and Meier, 1958)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: When the answer to a request comes that has none by the end, nanoseconds.
NEVER = -1
#: Rounding of a product of many factors, far below one request in ten million.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """The estimated distribution of the response time: the share of requests still waiting after each time.

    A request without an answer says only that it takes longer than from its sending to the end of the run.
    """

    #: Times at which an answer came, in order, int64[n], nanoseconds.
    times: npt.NDArray[np.int64]
    #: Share of the requests that wait longer than each of them, float64[n].
    waiting: npt.NDArray[np.float64]
    #: The longest time that any request, answered or not, has waited, nanoseconds; None without requests.
    longest_ns: int | None

    def quantile_ns(self, share: float) -> int | None:
        """Return the least time in which this share of requests is answered; None if the run does not tell."""
        reached = np.flatnonzero(self.waiting <= 1 - share + _ROUNDING)
        return int(self.times[reached[0]]) if reached.size else None

    @property
    def complete(self) -> bool:
        """Whether the distribution is known to its end."""
        return self.waiting.size > 0 and bool(self.waiting[-1] <= _ROUNDING)

    @property
    def mean_ns(self) -> float | None:
        """The area under `waiting`, as far as it is known: a lower bound unless that is `complete`; None if empty."""
        if self.longest_ns is None:
            return None
        edges = np.concatenate(([0], self.times, [self.longest_ns]))
        return float(np.sum(np.diff(edges) * np.concatenate(([1.0], self.waiting))))


def response_times(sent_ns: npt.NDArray[np.int64], received_ns: npt.NDArray[np.int64], end_ns: int) -> ResponseTimes:
    """Estimate the distribution from when each request was sent and answered, or `NEVER`, in a run until `end_ns`.

    Instants are nanoseconds, int64[n] each.
    """
    answered = received_ns != NEVER
    waited = np.where(answered, received_ns, end_ns) - sent_ns
    times, answers = np.unique(waited[answered], return_counts=True)
    at_risk = waited.size - np.searchsorted(np.sort(waited), times)
    return ResponseTimes(
        times, np.cumprod(1 - answers / at_risk, dtype=np.float64), int(waited.max()) if waited.size else None
    )
