"""Parts of a computer small enough to follow by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import settings
from scenarios_for_tests import TINY_HOST

from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import FLAG, Accesses, Stop
from vmfailover.hardware.memory import Memory, MemoryRange
from vmfailover.hardware.processor import FLAGS, Processor, Tracking
from vmfailover.scenario.hosts import HostSpec

LINES = 256
LINE_BYTES = 128
FOREVER = 1 << 62
#: Hypothesis gives the same examples every time.
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=60)


def processor(cores: int = 1, *, tracking: Tracking = FLAGS, **keys: Any) -> Processor:
    """Return a processor with the smallest caches and `LINES` lines of memory."""
    spec = HostSpec.model_validate({**TINY_HOST, **keys})
    return Processor(kernel, spec, cores, Memory(LINES * LINE_BYTES, LINE_BYTES), tracking)


def address_log(lines: int = 16, guard_band: int = 0) -> AddressLog:
    """Return a log of so many lines, 16 entries each, one line of which stays free."""
    return AddressLog.of_only_vm(kernel, MemoryRange(LINES, lines), LINE_BYTES, guard_band)


def execute(processor: Processor, accesses: Sequence[tuple[int, bool]], log: AddressLog, core: int = 0) -> Stop:
    """Let one core access lines, each a line number and whether to write, while the others stand still."""
    shape = (processor.cores, len(accesses))
    blocks, writes = np.zeros(shape, np.uint32), np.zeros(shape, np.uint8)
    for index, (line, write) in enumerate(accesses):
        blocks[core, index], writes[core, index] = line * LINE_BYTES // 64, write
    ones = np.ones(shape, np.uint32)
    clock = processor.state.clock
    others = np.arange(processor.cores) != core
    resting = clock[others]
    clock[others] = FOREVER
    log.set_limit()
    length = np.full(processor.cores, len(accesses), np.int64)
    start = np.zeros(processor.cores, np.int64)
    stop = processor.advance(Accesses(blocks, writes, ones, ones, length), start, FOREVER, 1 << 20, log.logs)
    clock[others] = resting
    return stop


def store(processor: Processor, lines: Sequence[int], log: AddressLog, core: int = 0) -> Stop:
    """Let one core write lines."""
    return execute(processor, [(line, True) for line in lines], log, core)


def flags(processor: Processor) -> int:
    """Return the number of rows whose flag is set."""
    return int(np.count_nonzero(processor.state.l2[:, :, 1:] & FLAG))
