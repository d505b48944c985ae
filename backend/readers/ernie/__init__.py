"""Ernie."""
