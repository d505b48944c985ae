"""Languages, cleaning, wrapping, look-alikes, differences, guards, verdicts; pure functions on text."""

PIPELINE = 2
"""Counts up when the same readings give another verdict, text, score or reason."""
