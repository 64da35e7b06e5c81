"""How a deliberate defect gets into the product for the length of a run, and the table of all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.scenario import Scenario

Defect = Callable[..., Any]


class Injection:
    """Replaces functions and methods of the product by defective ones, and counts when that changes something."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.fired = 0

    def into(self, owner: object, name: str) -> Callable[[Defect], None]:
        """Put the function decorated in the place of `owner.name`; its first argument is what was there."""
        original = getattr(owner, name)

        def replace(defect: Defect) -> None:
            self._patch.setattr(owner, name, lambda *args, **options: defect(original, *args, **options))

        return replace

    def fire(self) -> None:
        """Count that the defect has done its harm once."""
        self.fired += 1


@dataclass(frozen=True)
class Mutant:
    """A defect, a scenario that brings it out, and the invariant or law that finds it."""

    name: str
    inject: Callable[[Injection], None]
    scenario: Scenario
    caught_by: str
    twin: CacheTwin


#: Every deliberate defect by its name.
MUTANTS: dict[str, Mutant] = {}


def mutant(
    scenario: Scenario, *, caught_by: str, twin: CacheTwin = kernel
) -> Callable[[Callable[[Injection], None]], None]:
    """Enter the function decorated, which injects a defect, into the table."""

    def enter(inject: Callable[[Injection], None]) -> None:
        assert inject.__name__ not in MUTANTS
        MUTANTS[inject.__name__] = Mutant(inject.__name__, inject, scenario, caught_by, twin)

    return enter
