"""Where messages arrive at a host: each is handled as its type says."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Message(Protocol):
    """What travels between hosts: a type of its own for whatever it says."""

    @property
    def payload_bytes(self) -> int:
        """Bytes on the wire, without framing."""


M = TypeVar("M", bound=Message)


class Destination(Protocol):
    """Whoever a message can be sent to."""

    def receive(self, message: Message) -> None:
        """Take a message as it arrives."""


class Gate(Protocol):
    """What lets messages in: a host that is up, as soon as it does not hang."""

    def accept(self, message: Message, endpoint: "Endpoint") -> None:
        """Let the endpoint handle a message that arrives, now, later, or not at all."""


class Endpoint:
    """Takes the messages for one part of a host, and gives each to the handler of its type."""

    def __init__(self, gate: Gate) -> None:
        """Handle nothing yet; messages come through `gate`, the host."""
        self._gate = gate
        self._handlers: dict[type[Any], Callable[[Any], None]] = {}
        self._closed = False

    def on(self, kind: type[M], handle: Callable[[M], None]) -> None:
        """Let messages of exactly this type be handled so."""
        self._handlers[kind] = handle

    def close(self) -> None:
        """Handle nothing any more."""
        self._closed = True

    def receive(self, message: Message) -> None:
        """Take a message as it arrives."""
        self._gate.accept(message, self)

    def handle(self, message: Message) -> None:
        """Handle a message that the host has let in; raise TypeError if no handler is for its type."""
        if self._closed:
            return
        try:
            handle = self._handlers[type(message)]
        except KeyError:
            raise TypeError(f"nothing here handles a {type(message).__name__}") from None
        handle(message)
