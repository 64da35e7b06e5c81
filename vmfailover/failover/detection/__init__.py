"""How each host learns that the other is gone: one file for each way."""

from collections.abc import Callable

import numpy as np
import simpy

from vmfailover.failover.detection.detector import Detector
from vmfailover.failover.detection.hardware import HardwareDetector
from vmfailover.failover.detection.heartbeat import HeartbeatDetector
from vmfailover.failover.detection.phi_accrual import PhiAccrualDetector
from vmfailover.failover.detection.swim import SwimDetector
from vmfailover.failover.detection.token import Ring, TokenDetector
from vmfailover.failover.detection.witness import WitnessDetector
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection

__all__ = ["Detector", "HeartbeatDetector", "new_detector", "watch_each_other"]

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
    detector = _KINDS[spec.kind](env, spec, watched, watcher, random)
    if isinstance(detector, TokenDetector):
        Ring(env, spec, [detector], random)
    return detector


def watch_each_other(
    env: simpy.Environment,
    spec: Detection,
    primary: Host,
    secondary: Host,
    random: Callable[[str], np.random.Generator],
) -> tuple[Detector, Detector]:
    """Let two hosts watch each other; return the detector of the primary's end and that of the secondary's.

    `random` returns the stream of random numbers of a component by its name.
    """
    kind = _KINDS[spec.kind]
    of_primary = kind(env, spec, primary, secondary, random(f"detection.{primary.name}"))
    of_secondary = kind(env, spec, secondary, primary, random(f"detection.{secondary.name}"))
    if isinstance(of_primary, TokenDetector) and isinstance(of_secondary, TokenDetector):
        Ring(env, spec, [of_primary, of_secondary], random("detection.token"))
    return of_primary, of_secondary
