"""The root of every complaint about what a user wrote."""


class InputError(ValueError):
    """A file or a value from the user is wrong; the text of the error is what the user should read."""


def reason_of(error: OSError) -> str:
    """Return why the operating system refused something, in the words of a message."""
    return (error.strerror or str(error)).lower()
