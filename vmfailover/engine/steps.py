"""What a process of the simulation does: one event after the other that it waits for."""

from collections.abc import Generator
from typing import Any

import simpy

Steps = Generator[simpy.Event, Any, None]
