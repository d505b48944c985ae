"""Reviewed."""
