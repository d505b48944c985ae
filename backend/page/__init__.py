"""The nouns (page, line, reading, verdict), geometry, crops, reading order: pure."""

PIPELINE = 1
"""Counts up when the same image file and quads come to other pixels, crops or another reading order."""
