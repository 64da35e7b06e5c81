"""What a user reads when nothing could be captured."""

from vmfailover.errors import InputError
from vmfailover.files.text import one_line

__all__ = ["CaptureError"]


class CaptureError(InputError):
    """A command that cannot be recorded: `what: what was found; what to do`, on one line."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(" ".join(text.split())))
