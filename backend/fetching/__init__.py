"""Image references of tasks to bytes, with limits."""
