"""How long a run will take, told from its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from vmfailover.engine.compile_time import CompileTime, compile_time
from vmfailover.errors import InputError, NoProgressError
from vmfailover.scenario import Scenario
from vmfailover.simulation import Simulation


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """What a whole run takes on this machine, compilation aside."""

    seconds: float
    accesses_per_second: float


@dataclass(frozen=True, slots=True)
class _Note:
    seconds: float
    time_ns: int
    accesses: int


class Beginning:
    """The first moments of a run, from which it is told how long all of it takes."""

    def __init__(self, simulation: Simulation, compiling: CompileTime) -> None:
        """Begin with a simulation that has not run yet; `compiling` takes the compiler's time meanwhile."""
        self._simulation, self._compiling = simulation, compiling
        self._began = perf_counter()
        self._notes = [_Note(0.0, simulation.now_ns, 0)]

    def note(self) -> float:
        """Note how far it is; return the seconds that it has run, without those of the compiler."""
        seconds = perf_counter() - self._began - self._compiling.seconds
        self._notes.append(_Note(seconds, self._simulation.now_ns, self._simulation.active.vm.accesses))
        return seconds

    def estimate(self) -> TimeEstimate:
        """Return what the whole run takes if it goes on as in the later half of what has been noted.

        What is used for the first time, such as memory, makes the earlier half slower.
        """
        last = self._notes[-1]
        first = next(note for note in reversed(self._notes[:-1]) if note.seconds <= last.seconds / 2)
        seconds, advanced_ns = last.seconds - first.seconds, last.time_ns - first.time_ns
        return TimeEstimate(
            seconds * self._simulation.scenario.duration / max(1, advanced_ns),
            (last.accesses - first.accesses) / max(1e-9, seconds),
        )


def estimated(scenario: Scenario, look_seconds: float) -> TimeEstimate | None:
    """Run the beginning of a scenario for some seconds; return what all of it would take, None if it cannot be run.

    Raises KeyboardInterrupt if the user interrupts it.
    """
    stopped = False

    def stop(time_ns: int) -> None:
        nonlocal stopped
        if beginning.note() >= look_seconds and time_ns < scenario.duration:
            stopped = True
            raise KeyboardInterrupt

    try:
        with compile_time() as compiling:
            simulation = Simulation(scenario, samples=0)
            beginning = Beginning(simulation, compiling)
            simulation.run(progress=stop)
    except (InputError, NoProgressError):
        return None
    if not stopped and simulation.now_ns < scenario.duration:
        raise KeyboardInterrupt
    return beginning.estimate()
