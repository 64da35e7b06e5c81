"""Output commit: what the VM tells the world waits until the secondary could have told it too."""

from collections import deque

from vmfailover.guest.outlet import Outlet
from vmfailover.guest.server import Completion


class OutputBuffer:
    """Holds the outputs of each epoch until that epoch is committed."""

    def __init__(self, outlet: Outlet) -> None:
        """Let outputs leave by `outlet`."""
        self._outlet = outlet
        self._held: deque[tuple[int, list[Completion]]] = deque()

    def hold(self, epoch: int, outputs: list[Completion]) -> None:
        """Keep the outputs of an epoch; epochs come in order."""
        self._held.append((epoch, outputs))

    def release_through(self, epoch: int) -> None:
        """Release, in order, everything that belongs to this epoch or an earlier one."""
        while self._held and self._held[0][0] <= epoch:
            _, outputs = self._held.popleft()
            for output in outputs:
                self._outlet.release(output)
