"""Languages, cleaning, wrapping, look-alikes, differences, guards, probability, verdicts; pure functions."""

PIPELINE = 3
"""Counts up when the same readings give another verdict, text, score or reason. The numbers of
`score_weights.json` have a digest of their own in the model version."""
