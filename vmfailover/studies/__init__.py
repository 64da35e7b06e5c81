"""Experiments made of the same parts."""
