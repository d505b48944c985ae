"""Tasks in: which annotation counts, what a region says."""
