"""Memory-access traces: the file format, reading and writing."""
