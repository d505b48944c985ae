"""Fixtures that every test may ask for."""

from tests.end_to_end.browser import chromium, editor, stage
from tests.label_studio import label_studio, label_studio_strict

__all__ = ["chromium", "editor", "label_studio", "label_studio_strict", "stage"]
