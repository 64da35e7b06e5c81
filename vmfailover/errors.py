"""Complaints about what a user wrote, and about a run that does not go on."""

from collections.abc import Callable


class InputError(ValueError):
    """A file or a value from the user is wrong; the text of the error is what the user should read."""


class ParameterError(InputError):
    """What was given for the parameter `field` is wrong, or something else given for it would help.

    The text begins with the parameter, and with what was `given` if that is said, or else with what the error is
    `about`, such as a file. Parameters that the `remedy` names are in braces there.
    """

    def __init__(self, field: str, problem: str, *, given: str = "", about: object = "", remedy: str = "") -> None:
        super().__init__(field, problem, given, str(about), remedy)
        self.field = field
        self._problem, self._given, self._about, self._remedy = problem, given, str(about), remedy

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), *self.args)

    def __str__(self) -> str:
        return self._told(str, "`{}`".format)

    def told(self, name: Callable[[str], str]) -> str:
        """Return the text with each parameter called as `name` says, such as an option of a command."""
        return self._told(name, name)

    def _told(self, head: Callable[[str], str], mention: Callable[[str], str]) -> str:
        begin = self._about or " ".join(filter(None, (head(self.field), self._given)))
        remedy = self._remedy.format_map(_Names(mention))
        return "; ".join(filter(None, (f"{begin}: {self._problem}", remedy)))


class _Names(dict[str, str]):
    """What each parameter is called."""

    def __init__(self, name: Callable[[str], str]) -> None:
        self._name = name

    def __missing__(self, field: str) -> str:
        return self._name(field)


def _again(kind: type[ParameterError], field: str, problem: str, given: str, about: str, remedy: str) -> ParameterError:
    """Return an error that another process has raised."""
    return kind(field, problem, given=given, about=about, remedy=remedy)


class NoProgressError(RuntimeError):
    """Simulated time stands still; the text of the error says when, and what keeps happening."""


def reason_of(error: OSError) -> str:
    """Return why the operating system refused something, in the words of a message."""
    return (error.strerror or str(error)).lower()
