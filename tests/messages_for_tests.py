"""Messages of some weight, and whoever keeps what arrives."""

from dataclasses import dataclass, field
from typing import Any

import simpy


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that says nothing but its number."""

    payload_bytes: int
    number: int = 0


@dataclass
class Mailbox:
    """Keeps every message that arrives, with the instant."""

    env: simpy.Environment
    arrived: list[tuple[Any, int]] = field(default_factory=list)

    def receive(self, message: Any) -> None:
        """Keep a message."""
        self.arrived.append((message, int(self.env.now)))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the parcels, in order of arrival."""
        return [message.number for message, _ in self.arrived]

    @property
    def instants(self) -> list[int]:
        """When each message arrived."""
        return [instant for _, instant in self.arrived]
