"""What a run tells, as plain data: its events, and the names and definitions of its metrics."""
