"""Endpoints: who handles what arrives."""

from dataclasses import dataclass

import pytest
from messages_for_tests import Parcel

from vmfailover.hardware.endpoint import Endpoint, Message


@dataclass(frozen=True, slots=True)
class Letter(Parcel):
    """Another type, which somebody else may handle."""


class Open:
    """Lets everything in at once."""

    def accept(self, message: Message, endpoint: Endpoint) -> None:
        endpoint.handle(message)


class Shut:
    """Lets nothing in."""

    def accept(self, message: Message, endpoint: Endpoint) -> None:
        pass


def test_each_message_goes_to_the_handler_of_its_own_type() -> None:
    endpoint, parcels, letters = Endpoint(Open()), list[Message](), list[Message]()
    endpoint.on(Parcel, parcels.append)
    endpoint.on(Letter, letters.append)
    for message in (Parcel(1), Letter(2), Parcel(3)):
        endpoint.receive(message)
    assert (parcels, letters) == ([Parcel(1), Parcel(3)], [Letter(2)])


def test_a_message_that_nobody_handles_is_an_error_that_names_its_type() -> None:
    endpoint = Endpoint(Open())
    endpoint.on(Parcel, lambda _: None)
    with pytest.raises(TypeError, match="nothing here handles a Letter"):
        endpoint.receive(Letter(1))


def test_the_gate_decides_whether_a_message_comes_in() -> None:
    endpoint, parcels = Endpoint(Shut()), list[Message]()
    endpoint.on(Parcel, parcels.append)
    endpoint.receive(Parcel(1))
    assert parcels == []


def test_a_closed_endpoint_handles_nothing() -> None:
    endpoint, parcels = Endpoint(Open()), list[Message]()
    endpoint.on(Parcel, parcels.append)
    endpoint.close()
    endpoint.receive(Parcel(1))
    endpoint.receive(Letter(1))
    assert parcels == []
