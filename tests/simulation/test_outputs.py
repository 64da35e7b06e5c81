"""What the clients get, and when."""

import pytest
from runs_for_tests import broken, happened, observe, observe_variant, responses_before_commit, variants
from scenarios_for_tests import VARIANTS, small

from vmfailover.audit.invariants import Commit, output_verdict
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.guest.outlet import Release

WITH_CLIENTS = variants(sorted(VARIANTS.keys() - {"no-clients"}))


@pytest.mark.parametrize("variant", WITH_CLIENTS)
def test_no_answer_before_its_epoch_is_committed(variant: str) -> None:
    run = observe_variant(variant)
    released = [epoch for epoch in run.cluster.protection.epochs if epoch.acknowledged_ns is not None]
    assert sum(len(epoch.outputs) for epoch in released) == len(run.cluster.pair.releases) > 10
    assert not list(responses_before_commit(run))
    assert run.result.values["loss.outputs"] == 0


@pytest.mark.parametrize("variant", WITH_CLIENTS)
def test_an_answer_is_as_old_as_its_request_and_comes_once(variant: str) -> None:
    run = observe_variant(variant)
    spec = run.result.scenario.clients
    assert spec is not None
    assert len({response.request for response in run.result.responses}) == len(run.result.responses)
    assert run.cluster.clients is not None
    assert len(run.result.responses) + run.result.unanswered == len(run.cluster.clients.requests)
    for response in run.result.responses:
        assert response.received_ns - response.sent_ns >= 2 * spec.latency + spec.service


def test_requests_without_an_answer_are_sent_again_and_answered_by_the_secondary() -> None:
    run = observe(small())
    (failure,) = happened(run.result, "failure")
    (takeover,) = happened(run.result, "takeover")
    waiting = [item for item in run.result.responses if item.sent_ns < failure.time_ns < item.received_ns]
    assert len(waiting) > 5
    assert all(response.received_ns > takeover.time_ns for response in waiting)
    blackout_ns = run.result.values["client.blackout_ns"]
    assert blackout_ns is not None
    assert blackout_ns >= takeover.time_ns - failure.time_ns


def test_one_output_of_many_released_too_early_is_found() -> None:
    commits = [Commit(0, 100, 50), Commit(1, 200, 150)]
    releases = [Release(50, 100), Release(150, 200), Release(51, 200)]
    assert output_verdict(releases, commits).holds
    assert not output_verdict([*releases, Release(51, 199)], commits).holds
    assert not output_verdict([*releases, Release(151, 300)], commits).holds


def test_an_answer_that_leaves_at_once_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    start = ProtectedPair.start

    def leave_at_once(pair: ProtectedPair) -> None:
        start(pair)
        pair.primary.guest.on_accept.append(pair.context.outlet.release)

    monkeypatch.setattr(ProtectedPair, "start", leave_at_once)
    assert broken(observe(small())).keys() == {"output_commit", "answers_wait"}
