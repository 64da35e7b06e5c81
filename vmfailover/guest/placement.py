"""Where on a host a VM is."""

from dataclasses import dataclass

from vmfailover.hardware.memory import MemoryRange
from vmfailover.hardware.processor import Processor


@dataclass(frozen=True, slots=True)
class Placement:
    """The part of a host that is a VM's own."""

    #: The VM's number there, which its cores bear as their owner.
    number: int
    #: The core that is each vCPU's.
    cores: tuple[int, ...]
    #: The memory that holds its image; the VM's own addresses begin at 0.
    image: MemoryRange

    @classmethod
    def alone_on(cls, processor: Processor) -> "Placement":
        """Return the place of a VM that has all cores and all memory of a host."""
        return cls(0, tuple(range(processor.cores)), processor.memory.whole)
