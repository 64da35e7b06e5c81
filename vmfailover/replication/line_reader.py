"""Lines of the epoch in progress, read as they stand now."""

import numpy as np
import numpy.typing as npt

from vmfailover.hardware.processor import Held, Processor
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.replication.messages import LineBatch
from vmfailover.replication.packing import Packing


class LineReader:
    """Fetches lines for whoever copies them, and counts them to the epoch in progress."""

    def __init__(self, processor: Processor, packing: Packing, recorder: EpochRecorder) -> None:
        """Read from the memory and the caches of a processor."""
        self._processor = processor
        self._packing = packing
        self._recorder = recorder

    def read(self, lines: npt.NDArray[np.int64]) -> tuple[list[LineBatch], Held]:
        """Fetch lines (int64[n]) coherently, as batches; say too how many of them caches held."""
        epoch = self._recorder.epochs[-1]
        versions, held = self._processor.fetch(lines)
        epoch.lines += lines.size
        batches = self._packing.pack(epoch.number, lines, versions)
        epoch.shipped_bytes += sum(batch.content_bytes for batch in batches)
        return batches, held

    def note_early_copy(self, lines: int, duration_ns: int) -> None:
        """Write down that the VM stands still for its core to copy lines."""
        self._recorder.copied_early(self._recorder.epochs[-1], lines, duration_ns)
