"""What every simulation runs on: random streams, events, compilation, interruption, a guard against standstill."""
