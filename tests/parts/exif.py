"""Pictures as cameras store them: lying otherwise than they are shown."""

from __future__ import annotations

from PIL import Image

STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels lie in a file whose EXIF orientation turns them upright again."""


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The picture as it lies in a file of that orientation, 1 to 8."""
    return upright.transpose(STORED[orientation]) if orientation in STORED else upright
