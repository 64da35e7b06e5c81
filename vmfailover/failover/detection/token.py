"""A token that circulates (Corosync): if it does not come back, a member is gone."""

from vmfailover.failover.detection.detector import Steps
from vmfailover.failover.detection.heartbeat import HeartbeatDetector


class TokenDetector(HeartbeatDetector):
    """Declares the other host dead when the token is lost and a new membership, without it, has been formed."""

    @property
    def patience_ns(self) -> int:
        """The timeout of the token, which grows with the members beyond two."""
        token = self.spec.token
        return token.token + max(0, token.members - 2) * token.coefficient

    def wait_for_silence(self) -> Steps:
        """Wait until the token is lost, and for the membership to form."""
        yield from super().wait_for_silence()
        yield self.env.timeout(self.spec.token.reform)
