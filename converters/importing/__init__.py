"""Label files to tasks that wait for review."""
