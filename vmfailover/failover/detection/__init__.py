"""How each host learns that the other is gone: one file for each way."""

from collections.abc import Callable

import numpy as np
import simpy

from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.hardware import HardwareDetector
from vmfailover.failover.detection.heartbeat import HeartbeatDetector
from vmfailover.failover.detection.phi_accrual import PhiAccrualDetector
from vmfailover.failover.detection.swim import SwimDetector
from vmfailover.failover.detection.token import TokenDetector
from vmfailover.failover.detection.witness import WitnessDetector
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

__all__ = ["Detector", "HeartbeatDetector", "new_detector"]

NewDetector = Callable[[simpy.Environment, Detection, Host, Host, np.random.Generator], Detector]
_KINDS: dict[str, NewDetector] = {
    "heartbeat": HeartbeatDetector,
    "phi-accrual": PhiAccrualDetector,
    "swim": SwimDetector,
    "token": TokenDetector,
    "hardware": HardwareDetector,
    "witness": WitnessDetector,
}


def new_detector(
    env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
) -> Detector:
    """Return the detector that a scenario asks for, already at work on both hosts."""
    return _KINDS[spec.kind](env, spec, watched, watcher, random)
