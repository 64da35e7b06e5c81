"""What the links have carried and lost, as a run tells it."""

from scenarios_for_tests import small

from vmfailover.results.records import Traffic
from vmfailover.simulation import run


def of(**changes: object) -> dict[str, Traffic]:
    """Return the traffic of a run by who sends."""
    return {row.sender: row for row in run(small("base", **changes), samples=0).traffic}


def test_each_direction_has_a_row() -> None:
    rows = of(failures=[])
    assert {name: row.receiver for name, row in rows.items()} == {"primary": "secondary", "secondary": "primary"}
    assert rows["primary"].stream_bytes > rows["secondary"].stream_bytes > 0
    assert all(row.wire_bytes > row.stream_bytes + row.datagram_bytes for row in rows.values())
    assert all((row.lost_datagrams, row.retransmitted_frames) == (0, 0) for row in rows.values())


def test_frames_that_a_bad_link_loses_are_told() -> None:
    assert of(failures=[], **{"link.loss": "5 %"})["primary"].retransmitted_frames > 0


def test_heartbeats_that_a_cut_link_loses_are_told() -> None:
    cut = [{"at": "1 ms", "kind": "link-cut", "target": "forward"}]
    rows = of(failures=cut, fencing={"kind": "none"})
    assert rows["primary"].lost_datagrams > 0
