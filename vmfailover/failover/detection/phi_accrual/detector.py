"""Phi accrual (Hayashibara et al., SRDS 2004): silence that has become too unlikely."""

from collections import deque
from math import ceil

import numpy as np
import simpy

from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.failover.detection.phi_accrual import PhiAccrualSettings
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

#: Standard deviation before any two heartbeats have arrived, as a share of the interval. Akka.
FIRST_DEVIATION = 0.25


class PhiAccrualDetector(HeartbeatDetector):
    """Declares a host dead when phi = -log10 P(a heartbeat comes later than now) reaches the threshold.

    The times between arrivals are taken for normal, with the mean and the deviation of the latest of them.
    """

    def __init__(
        self, env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
    ) -> None:
        """Begin with an estimate from the interval."""
        from scipy.special import ndtri

        self._phi = PhiAccrualSettings.of(spec).phi
        self._gaps: deque[int] = deque(maxlen=self._phi.window)
        #: Standard deviations above the mean at which phi is the threshold.
        self._deviations = float(-ndtri(10.0**-self._phi.threshold))
        super().__init__(env, spec, watched, watcher, random)

    def hear(self) -> None:
        """Keep the time since the last one."""
        if self.heartbeats_ns:
            self._gaps.append(int(self.env.now) - self.heard_ns)
        super().hear()

    @property
    def longest_ns(self) -> int:
        """Time within which silence is noticed, by what has been heard so far, nanoseconds."""
        return self.patience_ns + self.spec.confirmation

    @property
    def patience_ns(self) -> int:
        """Silence at which phi is the threshold, by what has been heard so far."""
        mean, deviation = float(self.spec.interval), self.spec.interval * FIRST_DEVIATION
        if len(self._gaps) > 1:
            mean, deviation = float(np.mean(self._gaps)), float(np.std(self._gaps))
        deviation = max(deviation, self._phi.least_deviation)
        return ceil(mean + self._deviations * deviation) + self._phi.pause
