"""Samples of a run's hardware as figures take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vmfailover.errors import InputError
from vmfailover.report.figures.story import MS, Story
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import Sample


def samples_of(result: RunResult) -> Sequence[Sample]:
    """Return the samples of a run; raise InputError if there are fewer than two."""
    if len(result.sample_rows) < 2:
        raise InputError(f"{result.scenario.name}: was run without samples of its hardware; run it with samples=1000")
    return result.sample_rows


def without_vm(samples: Sequence[Sample], story: Story) -> npt.NDArray[np.bool_]:
    """Say of each sample whether the host that had the VM was down, bool[samples]."""
    times = sample_times(samples)
    down = np.zeros(len(times), np.bool_)
    for outage in story.outages:
        down |= (times >= outage.start) & (times < outage.end)
    return down


def sample_times(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """Return the instants of samples, milliseconds, float64[samples]."""
    return np.array([sample.time_ns for sample in samples]) * MS
