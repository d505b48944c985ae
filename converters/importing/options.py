"""How an import makes tasks, and what one image of it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from backend.label_studio.message_language import MessageLanguage
from backend.page.limits import MAX_IMAGE_BYTES, MAX_JPEG_SCANS, MAX_PAGE_PIXELS


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How tasks are made; the same for all rows of an import.

    approved: as a submitted annotation, not as a prediction.
    language: code that each task's data gets; empty for none.
    message_language: of what an annotator reads about a line.
    """

    approved: bool = False
    language: str = ""
    message_language: MessageLanguage = "en"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one image may cost: bytes of its file, pixels, and scans of a JPEG."""

    max_bytes: int = MAX_IMAGE_BYTES
    max_pixels: int = MAX_PAGE_PIXELS
    max_scans: int = MAX_JPEG_SCANS
