"""What a run gives its user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vmfailover.cluster import Cluster
from vmfailover.failover.detection import HeartbeatDetector
from vmfailover.journal import Event
from vmfailover.results.failovers import Move, moves
from vmfailover.results.invariants import Verdict
from vmfailover.results.metric_values import Metrics
from vmfailover.results.records import EpochRow, Records
from vmfailover.results.samples import Sample
from vmfailover.version import version

if TYPE_CHECKING:
    import pandas as pd

    from vmfailover.report.plots import RunPlots

#: Version of what `to_dict` returns; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunResult(Records):
    """The outcome of one run: metrics, epochs, events, and whether the invariants hold."""

    values: Metrics
    verdicts: tuple[Verdict, ...]
    sample_rows: tuple[Sample, ...]
    #: Instants in nanoseconds at which a heartbeat was heard, by the host that heard it; no host if none are sent.
    heartbeats: dict[str, tuple[int, ...]]
    interrupted: bool = False
    #: What a reader should know of the run, a sentence each.
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        records: Records,
        values: Metrics,
        verdicts: tuple[Verdict, ...],
        samples: Sequence[Sample],
        remarks: tuple[str, ...],
        *,
        interrupted: bool,
    ) -> Self:
        """Return the outcome of a run that has ended with these records."""
        return cls(
            **{field.name: getattr(records, field.name) for field in fields(Records)},
            values=values,
            verdicts=verdicts,
            sample_rows=tuple(samples),
            heartbeats=_heartbeats(cluster),
            interrupted=interrupted,
            remarks=remarks,
        )

    @property
    def consistent(self) -> bool:
        """Whether every invariant holds that the scenario does not waive."""
        return not any(verdict.broken for verdict in self.verdicts)

    @cached_property
    def metrics(self) -> pd.Series[Any]:
        """Every metric by its name, dtype object; None where the run gives none."""
        import pandas as pd

        return pd.Series(self.values, dtype=object, name=self.scenario.name)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row an epoch, with the columns of `EpochRow`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.epoch_rows], columns=[f.name for f in fields(EpochRow)])

    @cached_property
    def failovers(self) -> pd.DataFrame:
        """One row each time the VM came to another host, with the columns of `Move` and its `latency_ns`."""
        import pandas as pd

        rows = [{**asdict(move), "latency_ns": move.latency_ns} for move in moves(self.event_rows)]
        return pd.DataFrame(rows, columns=[*(f.name for f in fields(Move)), "latency_ns"])

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event, in order of time, with the columns of `vmfailover.journal.Event`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.event_rows], columns=[f.name for f in fields(Event)])

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The state of the hardware at instants spread evenly over the run, with the columns of `Sample`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.sample_rows], columns=[f.name for f in fields(Sample)])

    @property
    def plot(self) -> RunPlots:
        """The figures of the run, as in `result.plot.timeline()`."""
        from vmfailover.report.plots import RunPlots

        return RunPlots(self)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write what `run --out FOLDER` writes and `vmfailover.read` reads; raise OSError if it cannot be written."""
        from vmfailover.results.export import export

        export(self, Path(folder))

    def __repr__(self) -> str:
        """Return the verdict in a line."""
        from vmfailover.report.outcome import headline

        return f"<RunResult {self.scenario.name}, seed {self.seed}: {headline(self)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        from vmfailover.report.html.page import render_fragment
        from vmfailover.report.html.run_page import run_fragment

        return render_fragment(run_fragment(self))

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; the keys of `metrics` are in the order of `results.names`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vmfailover_version": version(),
            "scenario": {"name": self.scenario.name, "hash": self.scenario.hash},
            "seed": self.seed,
            "metrics": self.values,
            **({"interrupted_at_ns": self.end_ns} if self.interrupted else {}),
            "invariants": {item.name: _judgement(item) for item in self.verdicts},
        }

    def to_perfetto(self, path: str | PathLike[str]) -> None:
        """Write the run to a file that ui.perfetto.dev and chrome://tracing open; the same result gives the same bytes.

        Instants are exact to the nanosecond. Raises OSError, naming the file, if it cannot be written.
        """
        from vmfailover.results.perfetto import export_perfetto

        export_perfetto(self, Path(path))

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text, without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def _judgement(verdict: Verdict) -> dict[str, bool | str]:
    return {"holds": verdict.holds, "waived": verdict.waived, "detail": verdict.detail}


def _heartbeats(cluster: Cluster) -> dict[str, tuple[int, ...]]:
    heard: dict[str, tuple[int, ...]] = {}
    for detector in (each for pair in cluster.pairs for each in (pair.detector, pair.detector_of_secondary)):
        if isinstance(detector, HeartbeatDetector):
            name = detector.watcher.name
            heard[name] = heard.get(name, ()) + tuple(detector.heartbeats_ns)
    return heard
