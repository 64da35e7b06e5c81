"""What faults leave behind is found, whichever of them does not end."""

from typing import Any

import pytest
from mutants.injection import Injection
from scenarios_for_tests import brief

from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel

from .remains import REMAINS
from .trial import tried

HANG, SLOW, LOSS = ({"kind": kind} for kind in ("hypervisor-hang", "slow-host", "link-loss"))
#: What takes back a fault, such a fault, and what is said if it is not taken back.
ENDS = [
    (Host, "thaw", {**HANG, "target": "secondary"}, "the secondary hangs"),
    (Host, "end_slowdown", {**SLOW, "target": "primary"}, "the primary hangs or is 10 times"),
    (Channel, "restore", {"kind": "link-cut"}, "a link is cut"),
    (Channel, "end_loss", LOSS, "a link is cut, loses 0.1"),
    (Channel, "end_slowdown", {"kind": "link-slow"}, "a link is cut, loses 0 or is 10 times"),
]


def faulty(fault: dict[str, Any]) -> Any:
    """Return a scenario in which two such faults overlap for a short while, and a hang is never noticed."""
    struck = [{"at": f"{at} us", "lasts": f"{lasts} us", **fault} for at, lasts in ((100, 30), (110, 40))]
    return brief(failures=struck, **{"detection.kind": "hardware"})


@pytest.mark.parametrize(("owner", "name", "fault", "said"), ENDS)
def test_a_fault_that_is_not_taken_back_is_found(owner: type, name: str, fault: dict[str, Any], said: str) -> None:
    assert tried(faulty(fault)).findings == ()
    with pytest.MonkeyPatch.context() as patch:
        injection = Injection(patch)

        @injection.into(owner, name)
        def end(original: Any, struck: Any, *strength: float) -> None:
            if injection.fired >= 1:
                original(struck, *strength)
            injection.fire()

        told = [text for law, text in tried(faulty(fault)).findings if law == REMAINS]
    assert any(text.startswith(said) for text in told), told
