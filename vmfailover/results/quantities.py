"""Numbers as people read them: three digits that matter and the unit that keeps them short."""

from collections.abc import Mapping, Sequence

from vmfailover.records.metric_names import bound_name

#: Units of a quantity, the greatest first: how many base units each has, and its name after a space.
DURATIONS = ((10**9, " s"), (10**6, " ms"), (10**3, " µs"), (1, " ns"))
_LONG_DURATIONS = ((8766 * 3600 * 10**9, " years"), (3600 * 10**9, " h"), (60 * 10**9, " min"), *DURATIONS)
BYTES = ((10**12, " TB"), (10**9, " GB"), (10**6, " MB"), (10**3, " kB"), (1, " B"))
BIT_RATES = ((10**12, " Tbit/s"), (10**9, " Gbit/s"), (10**6, " Mbit/s"), (10**3, " kbit/s"), (1, " bit/s"))
_LABELS = {"p999": "p99.9"}
#: Values of which a percentile is not simply the largest.
_FEWEST = {"p99": 100, "p999": 1000}
_COUNTS = ((10**12, " T"), (10**9, " G"), (10**6, " M"), (10**3, " k"), (1, ""))


def duration(nanoseconds: float | None) -> str:
    """Return a time such as `34.0 ms`."""
    return _scaled(nanoseconds, DURATIONS)


def long_duration(nanoseconds: float | None) -> str:
    """Return a time such as `8.12 min`, `69.7 h` or `14.7 years` of 365.25 days."""
    return _scaled(nanoseconds, _LONG_DURATIONS)


def size(count_bytes: float | None) -> str:
    """Return a size such as `69.2 MB`, in decimal units, as links have them."""
    return _scaled(count_bytes, BYTES)


def bit_rate(bits_per_second: float | None) -> str:
    """Return a rate such as `5.37 Gbit/s`."""
    return _scaled(bits_per_second, BIT_RATES)


def short_count(number: float | None) -> str:
    """Return a large number such as `245 M`."""
    return _scaled(number, _COUNTS)


def count(number: float | None) -> str:
    """Return a whole number with its thousands set apart."""
    return "–" if number is None else f"{round(number):,}"


def counted(number: float | None, noun: str, plural: str = "") -> str:
    """Return a number of things, such as `1 line`, `no lines` or `507 k lines`."""
    return f"{short_count(number) if number else 'no'} {noun if number == 1 else plural or f'{noun}s'}"


def share(fraction: float | None) -> str:
    """Return a share such as `6.26 %`."""
    return "–" if fraction is None else f"{three_digits(fraction * 100)} %"


def three_digits(number: float) -> str:
    """Return a number with three digits, but no more than two decimals."""
    decimals = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:.{decimals}f}" if number else "0"


def at_least(values: Mapping[str, float | None], metric: str) -> str:
    """Return a time such as `34.0 ms`, or `≥ 34.0 ms` if only a lower bound of it is known."""
    bound = values.get(bound_name(metric))
    return duration(values[metric]) if bound is None else f"≥ {duration(bound)}"


def percentiles(
    values: Mapping[str, float | None],
    metric: str,
    names: Sequence[str] = ("p50", "p99"),
    *,
    number: float | None = None,
) -> str:
    """Return the percentiles of a time, such as `p50 58.9 µs, p99 ≥ 70.7 µs (of 38)`; `p999` is the 99.9th.

    One of fewer values than it takes to tell it from the largest says of how many; `number` is how many there are.
    """
    return ", ".join(
        f"{_LABELS.get(name, name)} {at_least(values, f'{metric}_{name}_ns')}{_of(number, name)}" for name in names
    )


def _of(number: float | None, name: str) -> str:
    """Mark a percentile of too few values."""
    return f" (of {number:.0f})" if number and number < _FEWEST.get(name, 0) else ""


def _scaled(number: float | None, units: Sequence[tuple[int, str]]) -> str:
    if number is None:
        return "–"
    scale, unit = next((pair for pair in units if abs(number) >= 0.9995 * pair[0]), units[-1])
    whole = scale == 1 and float(number).is_integer()
    return f"{int(number) if whole else three_digits(number / scale)}{unit}"
