"""What to simulate: scenario files, checked and turned into frozen models."""

from vmfailover.scenario.errors import ScenarioError
from vmfailover.scenario.loading import load
from vmfailover.scenario.scenario import Scenario

__all__ = ["Scenario", "ScenarioError", "load"]
