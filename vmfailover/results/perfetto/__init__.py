"""A run as a trace that ui.perfetto.dev and chrome://tracing open."""

from vmfailover.results.perfetto.trace import export_perfetto

__all__ = ["export_perfetto"]
