"""Complaints about what a user wrote, and about a run that does not go on."""


class InputError(ValueError):
    """A file or a value from the user is wrong; the text of the error is what the user should read."""


class NoProgressError(RuntimeError):
    """Simulated time stands still; the text of the error says when, and what keeps happening."""


def reason_of(error: OSError) -> str:
    """Return why the operating system refused something, in the words of a message."""
    return (error.strerror or str(error)).lower()
