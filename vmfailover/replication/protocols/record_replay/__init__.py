"""Record and replay (VMware FT): settings."""

from typing import Annotated, ClassVar

from vmfailover.scenario.record import Number, Record, written
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.units import AboveZero, Bandwidth, Duration, Fraction, Size


class RecordReplaySpec(Record):
    """What is not deterministic is logged, and the other host replays it: record-replay."""

    rate: Bandwidth = written("1500 kbit/s")
    """Log written for timers and other interrupts, in bits per second of guest time. VMware FT, table 1: SPECjbb."""
    per_received_byte: Number = 1.21
    """Bytes of log for each byte received. VMware FT, table 2: 730 Mbit/s of log for 604 Mbit/s received."""
    per_sent_byte: Number = 0.05
    """Bytes of log for each byte sent. VMware FT, table 2: 42 Mbit/s of log for 855 Mbit/s sent."""
    interval: Annotated[Duration, AboveZero] = written("1 ms")
    """Longest time between two parts of the log, in nanoseconds; an output sends one at once. Assumed."""
    buffer: Annotated[Size, AboveZero] = written("1 MiB")
    """Bytes of log that may wait to be sent; the VM stops while there are more. Assumed."""
    lag: Annotated[Duration, AboveZero] = written("1 s")
    """Guest time by which the replica may be behind; the VM stops while it is more. VMware FT: slowed down
    when the lag grows beyond about one second."""
    slowdown: Fraction = written("0 %")
    """How much longer replaying takes than executing did. Assumed."""


class RecordReplaySettings(Replication):
    """What is not deterministic is logged, and the other host executes it again."""

    code: ClassVar[str] = f"{__name__}.protection:RecordReplay"
    most_vcpus: ClassVar[int] = 1
    makes_checkpoints: ClassVar[bool] = False
    executes_twice: ClassVar[bool] = True
    epoch_key: ClassVar[str | None] = "record_replay.interval"
    unused: ClassVar[frozenset[str]] = Replication.unused | {
        *("checkpoint_interval", "scan_interval", "granularity", "log", "copier", "transfer", "hypervisor_writes"),
        *("batch", "compression", "acknowledge", "next_checkpoint"),
    }

    record_replay: RecordReplaySpec = RecordReplaySpec()
    """Of record-replay."""
