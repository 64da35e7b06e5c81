"""The hosts of a scenario, the pairs that protect its VM one after the other, and the return to protection."""
