"""Data classes (page, line, reading, verdict), geometry, crops, reading order, image files; no IO."""

PIPELINE = 3
"""Counts up when the same image file and quads give other pixels, other crops or another reading order."""
