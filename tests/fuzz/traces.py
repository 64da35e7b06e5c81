"""The small traces of the search, in the folder `traces`; `python -m tests.fuzz.traces` writes them anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vmfailover.traces.format import Columns, TraceMetadata, write_trace

#: Where they are.
FOLDER = Path(__file__).parent / "traces"


@dataclass(frozen=True)
class TraceShape:
    """What a trace is like."""

    vcpus: int
    records: int
    #: Blocks of 64 bytes that it touches.
    blocks: int
    #: Most instructions between two records, which are at least the half of it.
    instructions: int
    #: Most equal accesses in a record.
    repeats: int = 4
    #: Most time that a vCPU idles before a record, nanoseconds; it does so before one in eight.
    idle_ns: int = 0

    @property
    def memory_bytes(self) -> int:
        """The memory that a VM has to have for it."""
        return self.blocks * 64

    def columns(self) -> Columns:
        """Return its records."""
        draw = np.random.default_rng(self.records).integers
        return Columns(
            draw(self.vcpus, size=self.records, dtype=np.uint8),
            draw(self.blocks, size=self.records, dtype=np.uint32),
            draw(2, size=self.records, dtype=np.uint8),
            draw(1, self.repeats + 1, size=self.records, dtype=np.uint32),
            draw(self.instructions // 2, self.instructions + 1, size=self.records, dtype=np.uint32),
            draw(self.idle_ns + 1, size=self.records, dtype=np.uint64) * (draw(8, size=self.records) == 0),
        )


#: Each by the name of its file.
TRACES: Mapping[str, TraceShape] = {
    "one.parquet": TraceShape(vcpus=1, records=1500, blocks=512, instructions=400),
    "two.parquet": TraceShape(vcpus=2, records=2001, blocks=1024, instructions=300),
    "three.parquet": TraceShape(vcpus=3, records=1999, blocks=640, instructions=250, repeats=90),
    "short.parquet": TraceShape(vcpus=1, records=3, blocks=16, instructions=20_000, repeats=1),
    "idle.parquet": TraceShape(vcpus=2, records=1203, blocks=700, instructions=350, idle_ns=20_000),
}


def write_traces(folder: Path) -> None:
    """Write all of them to a folder."""
    for name, shape in TRACES.items():
        metadata = TraceMetadata(memory_bytes=shape.memory_bytes, vcpus=shape.vcpus, source="tests/fuzz/traces.py")
        write_trace(folder / name, [shape.columns()], metadata, idle_time=shape.idle_ns > 0)


if __name__ == "__main__":
    write_traces(FOLDER)
