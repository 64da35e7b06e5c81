"""Formats of recordings that are converted, a file a format."""
