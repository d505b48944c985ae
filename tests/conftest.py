"""Fixtures that every test may ask for."""

from tests.label_studio import label_studio, label_studio_strict

__all__ = ["label_studio", "label_studio_strict"]
