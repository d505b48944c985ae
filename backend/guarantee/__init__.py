"""What agreed lines are worth: the draw of audit lines, exact bounds, claims and their words; pure."""
