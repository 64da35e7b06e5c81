"""Tables of traces, and of what they were made of."""

from typing import TYPE_CHECKING

from vmfailover.files.text import one_line

if TYPE_CHECKING:
    from vmfailover.traces.convert import Conversion
    from vmfailover.traces.metadata import TraceMetadata


def conversion_table(result: "Conversion") -> str:
    """Return lines of what came in, what was left out, and what the trace says about itself."""
    groups = [_came_in(result), _left_out(result), about(result.metadata)]
    return "\n\n".join(lines(rows) for rows in groups if rows)


def _came_in(result: "Conversion") -> list[tuple[str, str]]:
    from vmfailover.results.quantities import count

    names = ["loads", "stores", "instructions", "accesses", "block_loads", "block_stores"]
    names += ["lines_touched", "pages_touched", "lines_written", "pages_written", "straddle_line", "straddle_page"]
    told = {"instructions": "not told"} if result.instructions is None else {}
    rows = [("format", result.format), ("threads", count(len(result.threads)))]
    rows += [(name.replace("_", " "), told.get(name) or count(getattr(result, name))) for name in names]
    if result.instructions is None:
        rows.append(("instructions an access stands for", f"{_per_access(result.metadata):.3g}"))
    return [*rows, ("records written", count(result.records_written))]


def _per_access(metadata: "TraceMetadata") -> float:
    return metadata.instructions / max(1, metadata.accesses)


def _left_out(result: "Conversion") -> list[tuple[str, str]]:
    from vmfailover.results.quantities import count

    return [(f"left out: {kind}", count(number)) for kind, number in result.left_out.items()]


def about(metadata: "TraceMetadata") -> list[tuple[str, str]]:
    """Return the rows of what a trace says about itself."""
    from vmfailover.results.quantities import count, duration
    from vmfailover.scenario.units import SIZE

    rows = [
        ("source", metadata.source),
        ("memory", SIZE.format(metadata.memory_bytes)),
        ("vcpus", count(metadata.vcpus)),
        ("instructions in the trace", count(metadata.instructions)),
        ("addresses", metadata.address_space),
        ("mapping", metadata.mapping),
        ("page of the mapping", SIZE.format(metadata.page_bytes) if metadata.page_bytes else None),
        ("converter", metadata.converter),
        ("duration", duration(metadata.duration_ns) if metadata.duration_ns is not None else None),
        ("idle time of all vCPUs", duration(metadata.idle_ns) if metadata.idle_ns is not None else None),
    ]
    return [(name, one_line(value)) for name, value in rows if value is not None]


def lines(rows: list[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value:>15}" if name else "" for name, value in rows)
