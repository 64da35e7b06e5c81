"""What metrics are made of."""

#: A metric's value; None where the run gives none, as the failover latency of a run without failure.
Value = int | float | bool | None
Metrics = dict[str, Value]
