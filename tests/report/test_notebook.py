"""Bars of progress: in a notebook, if something takes long; nowhere else."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from scenarios_for_tests import minute

from vmfailover import notebook, sweep

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
#: What a cell displays a widget as.
WIDGET = "application/vnd.jupyter.widget-view+json"
SWEEP = 'vf.sweep(SCENARIO, {"replication.checkpoint_interval": "80us,90us,100us"}, jobs=1)'


def executed(*cells: str) -> list[Any]:
    """Execute cells in a kernel among the notebooks, and return them.

    Packages of notebooks are imported here, since they take seconds, which tests that are not run should not cost.
    """
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources=resources).execute()
    return list(book.cells)


def code_of(notebook: str) -> list[str]:
    """Return the cells of code of a notebook."""
    cells = json.loads((NOTEBOOKS / notebook).read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def displayed(*cells: str) -> list[dict[str, Any]]:
    """Execute cells in a kernel, and return all that they display, by media type."""
    setup = f"import sys; sys.path[:0] = {sys.path!r}\nimport vmfailover as vf\nfrom vmfailover import notebook\n"
    setup += "from scenarios_for_tests import minute\nSCENARIO = minute()"
    outputs = [output for cell in executed(setup, *cells) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type not in ("display_data", "execute_result")], outputs
    return [output.data for output in outputs]


def bars(*cells: str) -> int:
    return sum(WIDGET in data for data in displayed(*cells))


class Bar:
    """What tqdm would show, if this were a notebook."""

    begun: ClassVar[list["Bar"]] = []

    def __init__(self, total: int, delay: float, **options: object) -> None:
        self.total, self.delay, self.options = total, delay, options
        self.n, self.shown = 0, True
        self.begun.append(self)

    def update(self, number: int) -> None:
        self.n += number

    def close(self) -> None:
        self.shown = False


def test_a_sweep_has_a_bar_and_each_run_has_none_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bar, "begun", [])
    monkeypatch.setattr(notebook, "in_notebook", lambda: True)
    monkeypatch.setattr(notebook, "_tqdm", lambda: Bar)
    sweep(minute(), {"replication.checkpoint_interval": "80us,90us"}, jobs=1)
    (bar,) = Bar.begun
    assert (bar.total, bar.n, bar.shown) == (2, 2, False)
    assert 0 < bar.delay <= notebook.PATIENCE


@pytest.mark.slow
def test_a_sweep_has_a_bar_in_a_notebook_and_each_run_has_none_beside_it() -> None:
    assert bars("notebook.PATIENCE = 0", f"{SWEEP};") == 1


@pytest.mark.slow
def test_a_run_has_a_bar_in_a_notebook() -> None:
    assert bars("notebook.PATIENCE = 0", "vf.run(SCENARIO);") == 1


@pytest.mark.slow
def test_what_ends_soon_has_none() -> None:
    assert bars("notebook.PATIENCE = 3600", f"{SWEEP};", "vf.run(SCENARIO);") == 0


@pytest.mark.slow
def test_who_asks_for_progress_gets_that_instead() -> None:
    told = f"notebook.PATIENCE = 0\ntold = []\n{SWEEP[:-1]}, progress=lambda *done: told.append(done))\ntold[-1]"
    (data,) = displayed(told)
    assert data["text/plain"] == "(3, 3)"


@pytest.mark.slow
def test_without_tqdm_there_is_none_and_no_error() -> None:
    assert bars("sys.modules['tqdm.auto'] = None\nnotebook.PATIENCE = 0", f"{SWEEP};") == 0


@pytest.mark.slow
def test_an_interruption_takes_the_bar_away() -> None:
    interrupted = """
from tqdm.auto import tqdm
notebook.PATIENCE = 0
try:
    with notebook.bar("waiting") as tell:
        tell(1, 2)
        shown = len(tqdm._instances)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
shown, len(tqdm._instances)
"""
    shown, numbers = displayed(interrupted)
    assert WIDGET in shown
    assert numbers["text/plain"] == "(1, 0)"


def test_outside_a_notebook_it_is_silent(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise AssertionError("tqdm was asked for")

    monkeypatch.setattr(notebook, "PATIENCE", 0)
    monkeypatch.setattr(notebook, "_tqdm", refuse)
    sweep(minute(), {"replication.checkpoint_interval": "80us,90us"}, jobs=1)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.slow
def test_the_interrupt_of_a_notebook_returns_what_is_finished() -> None:
    """The kernel and its worker processes get SIGINT after some points, as from the button of a notebook."""
    with running_kernel() as (manager, client):
        client.execute(
            f"import sys; sys.path[:0] = {sys.path!r}\nimport vmfailover as vf\n"
            "from multiprocessing import active_children\nfrom scenarios_for_tests import minute\n"
            "found = vf.sweep(minute(failures=[]), {'replication.checkpoint_interval': '60us:400us:5000'}, jobs=2,\n"
            "    progress=lambda done, of: print('ready', flush=True) if done == 5 else None)\n"
            "print(found.interrupted, 5 <= len(found.frame) < 5000, len(active_children()))"
        )
        told = written(client)
        assert next(told) == "ready\n"
        manager.interrupt_kernel()
        assert next(told) == "True True 0\n"
        assert list(told) == []


@contextmanager
def running_kernel() -> Iterator[tuple[Any, Any]]:
    manager_of_kernels = pytest.importorskip("jupyter_client.manager")
    manager, client = manager_of_kernels.start_new_kernel(kernel_name="python3")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def written(client: Any) -> Iterator[str]:
    """Yield what a cell writes, and the text of its error, until it has ended."""
    while True:
        message = client.get_iopub_msg(timeout=120)
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            yield from content["text"].splitlines(keepends=True)
        elif kind == "error":
            yield "\n".join(content["traceback"])
        elif kind == "status" and content["execution_state"] == "idle":
            return


@pytest.mark.slow
def test_every_figure_is_shown_below_its_cell() -> None:
    shown = displayed("result = vf.run(SCENARIO)", "result.plot.timeline();", "result.plot.slowdown();")
    assert [sorted(data) for data in shown] == [["image/png", "text/plain"]] * 2


@pytest.mark.slow
def test_moving_a_slider_of_the_what_if_changes_the_picture() -> None:
    cells = code_of("02-what-if.ipynb")
    last = next(at for at, source in enumerate(cells) if "controls = {" in source)
    moved = "before = words.value, picture.value\ncontrols['interval_us'].value = 500\n"
    changed = f"{moved}[now != then for now, then in zip((words.value, picture.value), before)]"
    assert executed(*cells[: last + 1], changed)[-1].outputs[-1].data["text/plain"] == "[True, True]"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_every_notebook_runs_as_it_stands(name: str) -> None:
    executed(*code_of(name))
