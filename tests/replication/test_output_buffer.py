"""Output commit: what waits, and in which order it leaves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.guest.outlet import Outlet
from vmfailover.guest.server import Completion
from vmfailover.replication.output_buffer import OutputBuffer

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=80)


class Leaving(Outlet):
    """Keeps (epoch, request) of each output that leaves; its guest time stands for its epoch."""

    def __init__(self) -> None:
        self.left: list[tuple[int, int]] = []

    def release(self, output: Completion) -> None:
        self.left.append((output.guest_ns, output.request))


def new_buffer(epochs: list[int]) -> tuple[OutputBuffer, list[tuple[int, int]], list[tuple[int, int]]]:
    """Return a buffer that holds so many outputs of each epoch, what it has released, and what it holds."""
    outlet = Leaving()
    buffer = OutputBuffer(outlet)
    held: list[tuple[int, int]] = []
    for epoch, outputs in enumerate(epochs):
        mine = [len(held) + number for number in range(outputs)]
        held += [(epoch, request) for request in mine]
        buffer.hold(epoch, [Completion(request, epoch) for request in mine])
    return buffer, outlet.left, held


def test_nothing_leaves_before_its_epoch_is_committed() -> None:
    buffer, released, _ = new_buffer([2, 1])
    buffer.release_through(-1)
    assert released == []
    buffer.release_through(0)
    assert released == [(0, 0), (0, 1)]


@EXAMPLES
@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(-1, 9), max_size=6))
def test_outputs_leave_once_in_order_up_to_the_latest_commit(epochs: list[int], commits: list[int]) -> None:
    buffer, released, held = new_buffer(epochs)
    for index, commit in enumerate(commits):
        buffer.release_through(commit)
        latest = max(commits[: index + 1])
        assert released == [output for output in held if output[0] <= latest]
