"""A plugin of pytest: a counterexample is as good as the smallest one where only its existence counts."""

import os
from collections.abc import Sequence
from typing import Any

from hypothesis import Phase, settings

#: Examples of a property at most where all is run by the interpreter, which takes a hundred times as long.
INTERPRETED_EXAMPLES = 5

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])
settings.load_profile("unshrunk")


def pytest_collection_modifyitems(items: Sequence[Any]) -> None:
    """Let fewer examples be tried by the interpreter."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        for item in items:
            chosen = getattr(item.obj, "_hypothesis_internal_use_settings", None)
            if chosen is not None:
                few = min(chosen.max_examples, INTERPRETED_EXAMPLES)
                item.obj._hypothesis_internal_use_settings = settings(chosen, max_examples=few)
