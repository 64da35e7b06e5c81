"""The lines of a sweep."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from vmfailover.errors import InputError
from vmfailover.report.chance import SINGLE_DRAWS, SURVIVORS
from vmfailover.report.figures.canvas import figure_of

from ..legibility import bytes_of, require_legible, words
from .sweeps import INTERVAL, PROTOCOL, made, swept

LATENCY = "failover.latency_ns"
TIMES = ["1ms", "10ms", "100ms"]
RATES = ["1 Gbit/s", "10 Gbit/s"]


def lines(axes: Axes) -> list[ErrorbarContainer]:
    return [each for each in axes.containers if isinstance(each, ErrorbarContainer)]


def test_a_line_has_the_values_of_the_sweep() -> None:
    axes = swept().plot.line("guest.slowdown")
    figure = require_legible(axes)
    frame = swept().frame
    for drawn, protocol in zip(lines(axes), ("cacheline-flags", "page-dirty-bits"), strict=True):
        rows = frame[frame[PROTOCOL] == protocol]
        np.testing.assert_allclose(
            np.asarray(drawn.lines[0].get_ydata(), float), rows["guest.slowdown"].astype(float) * 100
        )
        assert drawn.has_yerr
        assert drawn.get_label() == protocol
    assert (axes.get_xlabel().partition(" ")[0], axes.get_ylabel()) == (INTERVAL, "guest slowdown (%)")
    assert words(figure).count("cacheline-flags failed") == 1


def test_without_replications_there_are_no_whiskers() -> None:
    widths: dict[str, list[float | None]] = {LATENCY: [None, None, None]}
    axes = made({"a": TIMES}, {LATENCY: [1e6, 3e6, 2e6]}, widths=widths, replications=1).plot.line()
    (line,) = lines(axes)
    assert figure_of(axes).get_suptitle().endswith(f"({SINGLE_DRAWS})")
    assert not line.has_yerr
    assert np.asarray(line.lines[0].get_xdata()).tolist() == [1e6, 1e7, 1e8]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1 ms", "10 ms", "100 ms"]
    require_legible(axes)


def test_means_of_a_part_of_the_runs_are_hollow() -> None:
    axes = made({"a": TIMES}, {LATENCY: [1e6, 2e6, 3e6]}, known={LATENCY: [4, 4, 1]}).plot.line()
    (hollow,) = (line for line in axes.get_lines() if line.get_markerfacecolor() == "white")
    assert np.asarray(hollow.get_xdata()).tolist() == [1e8]
    assert " ".join(require_legible(axes).get_suptitle().split()).endswith(f"4 runs each; hollow: {SURVIVORS})")
    assert "hollow" not in figure_of(made({"a": TIMES}, {LATENCY: [1e6, 2e6, 3e6]}).plot.line()).get_suptitle()


def test_lines_differ_in_dashes_and_marks() -> None:
    found = made({"a": TIMES, "b": RATES}, {LATENCY: [1e6, 2e6, 3e6, 4e6, 5e6, 6e6]})
    axes = found.plot.line()
    assert len({(line.lines[0].get_linestyle(), line.lines[0].get_marker()) for line in lines(axes)}) == 2
    assert [line.get_label() for line in lines(axes)] == RATES
    assert [line.get_label() for line in lines(found.plot.line(by="a"))] == ["1 ms", "10 ms", "100 ms"]


def test_names_are_not_joined() -> None:
    axes = swept().plot.line("guest.slowdown", by=INTERVAL)
    assert {line.lines[0].get_linestyle() for line in lines(axes)} == {"None"}
    require_legible(axes)


@pytest.mark.parametrize("values", [[1.0, 50.0, 1e9], [None, None, 2.0], [0.0] * 3])
def test_any_values_can_be_read(values: list[float | None]) -> None:
    axes = made({"a": TIMES}, {LATENCY: values}).plot.line()
    require_legible(axes)
    assert axes.get_ylabel().endswith("logarithmic") == (values[0] == 1.0)


def test_of_many_values_some_have_ticks() -> None:
    texts = [f"{n} Gbit/s" for n in range(1, 51)]
    require_legible(made({"link.bandwidth": texts}, {LATENCY: [n * 1e6 for n in range(50)]}).plot.line())


def test_without_values_there_is_no_figure() -> None:
    with pytest.raises(InputError, match=r"no point of the sweep has failover\.latency_ns"):
        made({"a": TIMES}, {LATENCY: [None] * 3}).plot.line()


@pytest.mark.parametrize("by", ["c", ""])
def test_a_key_that_does_not_vary_is_refused(by: str) -> None:
    with pytest.raises(InputError, match="is not a second key"):
        made({"a": TIMES, "b": RATES}, {LATENCY: [1.0] * 6}).plot.line(by=by)


def test_more_lines_than_can_be_told_apart_are_refused() -> None:
    many = made({"a": TIMES, "b": list("1234567")}, {LATENCY: [1.0] * 21})
    with pytest.raises(InputError, match="7 values of b are more than the 6 lines"):
        many.plot.line()
    assert len(lines(many.plot.line(by="a"))) == 3


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(swept().plot.line(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second


def test_long_values_of_a_key_do_not_cover_one_another() -> None:
    names = ["cacheline-flags", "cacheline-transfer", "page-write-protect", "page-modification-log", "page-dirty-bits"]
    keys = {PROTOCOL: [*names, "undo-log", "output-compare", "record-replay"]}
    require_legible(made(keys, {LATENCY: [1e6 * (1 + at) for at in range(8)]}).plot.line())


def test_points_that_failed_side_by_side_do_not_cover_one_another() -> None:
    found = made({"a": TIMES, "b": RATES}, {LATENCY: [1e6, 2e6, None, None, None, None]}, errors=[2, 3, 4, 5])
    figure = require_legible(found.plot.line())
    assert words(figure).count("1 Gbit/s failed") == words(figure).count("10 Gbit/s failed") == 1
    require_legible(made({"a": TIMES}, {LATENCY: [1e6, None, None]}, errors=[1, 2]).plot.line())
