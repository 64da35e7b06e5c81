"""A computer system (100), on which VMs run; those that a VM has as primary and secondary are of this one class."""

from collections.abc import Callable, Generator, Iterable
from math import prod
from typing import Any

import simpy

from vmfailover.hardware.endpoint import Endpoint, Message
from vmfailover.hardware.link import Channel
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.planes import Planes
from vmfailover.hardware.processor import Processor


class Host:
    """A processor unit, memory, the outgoing side of a link, and the processes that run on it.

    Faults may overlap and end in any order: it hangs as long as one of them makes it hang, and slowdowns multiply.
    """

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        processor: Processor,
        memory: Memory,
        out: Channel,
        planes: Planes | None = None,
    ) -> None:
        """Assemble a host that is up; `out` is its way to the other host, `planes` says whom it reaches."""
        self.env = env
        self.name = name
        self.processor = processor
        self.memory = memory
        self._out = out
        #: Whom it reaches.
        self.planes = planes or Planes()
        self.up = True
        #: Happens when the host goes down.
        self.down: simpy.Event = env.event()
        self._processes: list[simpy.Process] = []
        self._agents: list[simpy.Process] = []
        self._thawed: simpy.Event | None = None
        self._hangs = 0
        self._slowdowns: list[float] = []
        self._arrived: list[tuple[Message, Endpoint]] = []

    def __repr__(self) -> str:
        """Return its name and whether it is up."""
        return f"<Host {self.name}: {self.state}>"

    @property
    def state(self) -> str:
        """What it does: it is up, down or hangs."""
        return "down" if not self.up else "hangs" if self.frozen else "up"

    @property
    def out(self) -> Channel:
        """Its way to the other host."""
        return self._out

    def connect(self, out: Channel) -> None:
        """Send over another channel from now on, to another host."""
        self._out = out

    def run(self, process: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start a process that ends with the host and does nothing while it hangs; none runs on a host that is down."""
        return self._start(process, self._processes)

    def run_agent(self, process: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start a process as `run` does, of the cluster's agent, which `end_processes` spares."""
        return self._start(process, self._agents)

    def _start(self, process: Generator[simpy.Event, Any, Any], among: list[simpy.Process]) -> simpy.Process:
        hosted: Any = self._until_down(process)
        hosted.__qualname__ = f"{getattr(process, '__qualname__', 'a process')} on {self.name}"
        started = self.env.process(hosted)
        among.append(started)
        return started

    def crash(self) -> None:
        """Go down at once: every process ends, and nothing more leaves over the link."""
        if self.up:
            self._out.sever()
            self.stop()

    def stop(self) -> None:
        """End every process and go down, except that what has been given to the network still leaves."""
        if not self.up:
            return
        self.up = False
        self._arrived.clear()
        self.end_processes()
        self._end(self._agents)
        self.down.succeed()

    def end_processes(self) -> None:
        """End every process but those of the cluster's agent."""
        self._end(self._processes)
        self._processes.clear()

    def end_agents(self) -> None:
        """End every process of the cluster's agent."""
        self._end(self._agents)
        self._agents.clear()

    def _end(self, processes: Iterable[simpy.Process]) -> None:
        for process in processes:
            if process.is_alive and process is not self.env.active_process:
                process.interrupt()

    def freeze(self) -> None:
        """Hang: every process stands still, and what arrives waits. Virtual processors run on.

        It lasts until `thaw` has been called as often as this.
        """
        self._hangs += 1
        if self._thawed is None:
            self._thawed = self.env.event()

    def thaw(self) -> None:
        """Take back one `freeze`; after the last, come back, late for everything that was due meanwhile."""
        self._hangs -= 1
        if self._hangs or self._thawed is None or not self.up:
            return
        thawed, self._thawed = self._thawed, None
        thawed.succeed()
        arrived, self._arrived = self._arrived, []
        for message, endpoint in arrived:
            endpoint.handle(message)

    @property
    def frozen(self) -> bool:
        """Whether the host hangs."""
        return self._thawed is not None

    def begin_slowdown(self, factor: float) -> None:
        """Let all that the processor does take `factor` times as long, until `end_slowdown` is called with it."""
        self._slowdowns.append(factor)
        self.processor.set_slowdown(prod(self._slowdowns, start=1.0))

    def end_slowdown(self, factor: float) -> None:
        """Take back one `begin_slowdown` of this factor."""
        self._slowdowns.remove(factor)
        self.processor.set_slowdown(prod(self._slowdowns, start=1.0))

    def accept(self, message: Message, endpoint: Endpoint) -> None:
        """Take what arrives from the network: at once, after a hang, or, if the host is down, not at all."""
        if self.frozen and self.up:
            self._arrived.append((message, endpoint))
        elif self.up:
            endpoint.handle(message)

    def _until_down(self, process: Generator[simpy.Event, Any, Any]) -> Generator[simpy.Event, Any, Any]:
        """Pass on to a process what comes of the events that it waits for, failures too, as long as the host is up."""
        resume: Callable[[Any], simpy.Event]
        if not self.up:
            process.close()
            return None
        try:
            event = next(process)
            while True:
                try:
                    resume, outcome = process.send, (yield event)
                except simpy.Interrupt:
                    raise
                except Exception as failure:
                    resume, outcome = process.throw, failure
                while self._thawed is not None:
                    yield self._thawed
                event = resume(outcome)
        except StopIteration as end:
            return end.value
        except simpy.Interrupt:
            process.close()
            return None
