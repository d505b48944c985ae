"""Languages, cleaning, look-alikes, guards, verdicts: pure."""
