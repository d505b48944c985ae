"""Label Studio's API, labeling configs, results to regions and back, percent."""

PIPELINE = 5
"""Counts up when the same read page comes to another result: geometry, ids, labels, explanations."""
