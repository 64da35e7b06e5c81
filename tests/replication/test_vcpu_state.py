"""The state of every vCPU travels with the end of each epoch."""

from collections import Counter
from typing import Any

import pytest

from vmfailover.hardware.link import Channel
from vmfailover.replication.messages import HEADER_BYTES

from .machinery import cluster


@pytest.mark.parametrize(
    "protocol",
    ["cacheline-flags", "cacheline-transfer", "page-dirty-bits", "undo-log", "output-compare", "live-precopy"],
)
@pytest.mark.parametrize("state", [5000, 70_000])
def test_every_commit_carries_it(protocol: str, state: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: Counter[int] = Counter()
    send = Channel.send

    def counted(channel: Channel, message: Any, to: Any) -> Any:
        sent[message.payload_bytes] += 1
        return send(channel, message, to)

    monkeypatch.setattr(Channel, "send", counted)
    whole = cluster(
        "two-vcpus",
        until="3 ms",
        **{
            "hypervisor.vcpu_state": f"{state} B",
            "replication.protocol": protocol,
            "replication.precopy": {"lead": "2500 us", "rounds": 2},
            **({"replication.output_compare.longest_interval": "500 us"} if protocol == "output-compare" else {}),
        },
    )
    commits = [event for event in whole.event_log.events if event.kind == "commit"]
    assert commits
    assert sent[HEADER_BYTES + 2 * state] >= len(commits)
