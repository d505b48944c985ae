"""Which family of engines a reader belongs to, by its identity alone: no engine need be at hand; pure.

Readings are kept with the identity of their reader, and a report is made where none of the engines need be
installed. There are three forms, and a test asks every kind of reader for its own:

- `tesseract-5.3.0(rus@3fa94c,line)`: Tesseract;
- `ERNIE-4.5-VL-28B:plain@0c1f52aa9b1e`: a vision model, colon, the name of its prompt and a hash;
- `PP-OCRv5_mobile_rec`, `ours@1f3a9c07(2,margin=.2)`: a recogniser run by PaddleOCR, whatever its name.
"""

from __future__ import annotations

from typing import Final

ERNIE: Final = "ERNIE"
PADDLE: Final = "PP-OCR"
TESSERACT: Final = "Tesseract"

SERVED: Final = frozenset({ERNIE})
"""Families whose every reading is a call of a server."""


def family_of(identity: str) -> str:
    """The family of the reader with this identity, as the kinds of readers name it (`ReaderKind.family`)."""
    if identity.startswith("tesseract-"):
        return TESSERACT
    # a model's own name may hold colons, but that of a recogniser is the name of a folder
    return ERNIE if ":" in identity else PADDLE
