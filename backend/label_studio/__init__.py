"""Label studio."""
