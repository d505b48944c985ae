"""Languages, cleaning, look-alikes, guards, verdicts: pure."""

PIPELINE = 1
"""Counts up when the same readings come to another verdict, text, score or reason."""
