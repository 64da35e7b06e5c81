"""Recordings of other programs, in their formats, become traces."""

from vmfailover.traces.convert.conversion import Conversion, Options, convert
from vmfailover.traces.convert.reading import ConversionError

__all__ = ["Conversion", "ConversionError", "Options", "convert"]
