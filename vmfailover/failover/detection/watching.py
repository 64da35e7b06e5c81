"""Two hosts, one of which watches the other, or which watch each other, as a scenario says."""

from collections.abc import Callable

import numpy as np
import simpy

from vmfailover.errors import InputError
from vmfailover.failover.detection.detector import Detector
from vmfailover.hardware.host import Host
from vmfailover.scenario.detection import Detection
from vmfailover.scenario.kinds import code_of


def new_detector(
    env: simpy.Environment, spec: Detection, watched: Host, watcher: Host, random: np.random.Generator
) -> Detector:
    """Return the detector that a scenario asks for, already at work on both hosts."""
    kind = _detector_class(spec)
    detector = kind(env, spec, watched, watcher, random)
    kind.connect([detector], random)
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
    kind = _detector_class(spec)
    of_primary = kind(env, spec, primary, secondary, random(f"detection.{primary.name}"))
    of_secondary = kind(env, spec, secondary, primary, random(f"detection.{secondary.name}"))
    kind.connect([of_primary, of_secondary], random(f"detection.{spec.kind}"))
    return of_primary, of_secondary


def _detector_class(spec: Detection) -> type[Detector]:
    """Return the code of a kind of detector, imported; raise InputError if it cannot be, or is no detector."""
    found = code_of(spec)
    if not (isinstance(found, type) and issubclass(found, Detector)):
        raise InputError(f"{spec.kind}: {spec.code!r} is not a subclass of Detector")
    return found
