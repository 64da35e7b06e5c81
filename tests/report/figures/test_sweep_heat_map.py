"""The heat map of a sweep."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vmfailover.errors import InputError
from vmfailover.report.chance import PARTIAL

from ..legibility import bytes_of, legend, require_legible, words
from .sweeps import INTERVAL, PROTOCOL, made, swept

KEYS = {"link.bandwidth": ["1 Gbit/s", "10 Gbit/s"], "replication.checkpoint_interval": ["500us", "5ms"]}
LATENCY = "failover.latency_ns"


def cells(axes: Axes) -> dict[str, list[Rectangle]]:
    """The rectangles by the text that is in their middle."""
    found: dict[str, list[Rectangle]] = {}
    for text in axes.texts:
        at = text.get_position()
        found[text.get_text()] = [
            patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_center() == pytest.approx(at)
        ]
    return found


def test_each_point_of_a_real_sweep_is_a_cell() -> None:
    axes = swept().plot.heat_map("guest.slowdown")
    figure = require_legible(axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["100 µs", "300 µs", "2 s"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cacheline-flags", "page-dirty-bits"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (INTERVAL, PROTOCOL)
    assert figure.axes[1].get_ylabel().startswith("guest slowdown (%)")
    frame = swept().frame
    (row,) = np.flatnonzero((frame[INTERVAL] == 300_000) & (frame[PROTOCOL] == "page-dirty-bits"))
    (cell,) = (text for text in axes.texts if text.get_position() == (1, 1))
    assert float(cell.get_text()) == pytest.approx(frame["guest.slowdown"][row] * 100, rel=0.01)


def test_points_that_could_not_be_run_are_hatched() -> None:
    axes = swept().plot.heat_map("guest.slowdown")
    failed = [text.get_position() for text in axes.texts if text.get_text() == "failed"]
    assert sorted(failed) == [(2, 0), (2, 1)]
    hatched = [
        patch.get_center() for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch() == "////"
    ]
    assert sorted(map(tuple, hatched)) == [(2, 0), (2, 1)]
    assert legend(require_legible(axes))[0] == "could not be run"


def dotted(axes: Axes) -> list[str]:
    return [text for text, patches in cells(axes).items() if patches[0].get_hatch() == ".."]


def test_what_chance_explains_has_no_shade() -> None:
    widths = {LATENCY: [0.5e6, 0.8e6, 0.1e6, None]}
    axes = made(KEYS, {LATENCY: [1e6, 2e6, 3e6, 4e6]}, widths=widths).plot.heat_map()
    assert dotted(axes) == ["1.00", "2.00", "4.00"]
    assert legend(require_legible(axes)) == ["above the least by chance, or the least"]


def test_certain_differences_and_single_runs_keep_their_shades() -> None:
    values, widths = {LATENCY: [1e6, 2e6, 3e6, 4e6]}, {LATENCY: [0.1e6] * 4}
    assert not dotted(made(KEYS, values, widths=widths).plot.heat_map())
    assert not dotted(made(KEYS, values, widths={LATENCY: [None] * 4}, replications=1).plot.heat_map())


def test_means_of_a_part_of_the_runs_are_marked() -> None:
    axes = made(KEYS, {LATENCY: [1e6, 2e6, None, 4e6]}, known={LATENCY: [4, 1, 0, 4]}).plot.heat_map()
    assert cells(axes).keys() == {"1.00", f"2.00{PARTIAL}", "–", "4.00"}
    assert legend(require_legible(axes)) == ["–: has no value", f"{PARTIAL}: some runs have no value"]


def test_what_has_no_value_and_what_broke_an_invariant_differ() -> None:
    axes = made(KEYS, {LATENCY: [1e6, None, 3e6, None]}, errors=[3], broken=[2]).plot.heat_map()
    found = cells(axes)
    assert found.keys() == {"1.00", "–", "3.00 !", "failed"}
    assert len(found["3.00 !"]) == 2
    assert legend(require_legible(axes)) == ["could not be run", "–: has no value", "!: broke an invariant"]


def test_the_greater_the_darker_also_in_grey() -> None:
    found = cells(made(KEYS, {LATENCY: [1e6, 2e6, 3e6, 4e6]}).plot.heat_map())
    brightness = [sum(to_rgb(found[text][0].get_facecolor())) for text in ("1.00", "2.00", "3.00", "4.00")]
    assert brightness == sorted(brightness, reverse=True)
    assert len(set(brightness)) == 4


@pytest.mark.parametrize("values", [[1e6] * 4, [1e3, 1e6, 1e4, 1e5], [None] * 4, [0.0, 0.0, 1e3, 1e9]])
def test_any_values_can_be_read(values: list[float | None]) -> None:
    figure: Figure = require_legible(made(KEYS, {LATENCY: values}).plot.heat_map())
    bars = [axes.get_ylabel() for axes in figure.axes[1:]]
    assert all(label.startswith("failover latency (") for label in bars)
    assert [label.endswith("logarithmic") for label in bars] == ([] if values[0] is None else [values[0] == 1e3])


def test_ten_by_ten_can_be_read() -> None:
    keys = {"a.long_name_of_a_key": [f"{n}01 us" for n in range(1, 11)], "b": [f"{n}0 Gbit/s" for n in range(1, 11)]}
    figure = require_legible(made(keys, {LATENCY: [n * 12_345.0 for n in range(100)]}).plot.heat_map())
    assert "1.01 ms" not in words(figure)
    assert "901 µs" in words(figure)


def test_one_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"only a varies; use \.line"):
        made({"a": ["1", "2"]}, {LATENCY: [1, 2]}).plot.heat_map()
    with pytest.raises(InputError, match="unknown metric"):
        swept().plot.heat_map("bogus")


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(swept().plot.heat_map(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second
