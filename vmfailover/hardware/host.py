"""A computer system (100); primary and secondary are of this one class."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.hardware.link import Channel
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import Processor


class Host:
    """A processor unit, memory, the outgoing side of a link, and the processes that run on it."""

    def __init__(self, env: simpy.Environment, name: str, processor: Processor, memory: Memory, out: Channel) -> None:
        """Assemble a host that is up; `out` is its way to the other host."""
        self.env = env
        self.name = name
        self.processor = processor
        self.memory = memory
        self.out = out
        self.up = True
        #: Happens when the host goes down.
        self.down: simpy.Event = env.event()
        self._processes: list[simpy.Process] = []

    def run(self, process: Generator[simpy.Event, Any, Any]) -> simpy.Process:
        """Start a process that ends with the host."""
        started = self.env.process(self._until_down(process))
        self._processes.append(started)
        return started

    def crash(self) -> None:
        """Go down at once: every process ends, and nothing more leaves over the link."""
        if not self.up:
            return
        self.up = False
        self.out.sever()
        for process in self._processes:
            if process.is_alive and process is not self.env.active_process:
                process.interrupt()
        self.down.succeed()

    @staticmethod
    def _until_down(process: Generator[simpy.Event, Any, Any]) -> Generator[simpy.Event, Any, Any]:
        try:
            return (yield from process)
        except simpy.Interrupt:
            return None
