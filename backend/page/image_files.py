"""Decodes the bytes of an image file into an upright page of RGB pixels, and encodes crops.

The page is what a browser shows, because Label Studio's coordinates are those of the picture on
the screen: turned by EXIF as Chromium does it, the first frame of several. Unlike in a browser,
transparent parts get a background on which the ink can be seen, and 12 to 15 bits their full range; the
page then holds what the browser shows, too. Nothing here opens paths or changes Pillow's global switches.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from backend.errors import BadImage, OutOfMemory, is_out_of_memory
from backend.page import image_modes
from backend.page.crops import MAX_SIDE
from backend.page.further_pages import more_than_one
from backend.page.jpeg_pixels import ordinary_pixels
from backend.page.jpeg_scans import checked
from backend.page.limits import MAX_JPEG_SCANS, MAX_PAGE_PIXELS
from backend.page.lines import Page, Pixels, Reason, ReasonKind
from backend.page.missing_rows import check_png, check_tiles
from backend.page.orientation import orientation
from backend.page.pixel_budget import PixelBudget
from backend.page.png_files import png_file
from backend.tickets import Urgency

Opener: TypeAlias = Callable[[io.BytesIO], ImageFile.ImageFile]

# Pillow's classes are called directly: `Image.open` measures every image by a limit that is global
# to the process, and warns of images that `max_pixels` allows.
OPENERS: dict[str, tuple[re.Pattern[bytes], Opener]] = {
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    "JPEG": (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.jpeg_factory),
    "WebP": (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    "BMP": (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    "GIF": (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    "TIFF": (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImagePlugin.TiffImageFile),
}
SUPPORTED = "PNG, JPEG, WebP, BMP, GIF and TIFF"

UNSUPPORTED = {
    "a PDF file": re.compile(rb"\s*%PDF"),
    "an SVG drawing": re.compile(rb"[^\0]{0,1000}<svg[\s>]", re.IGNORECASE),
    "an HTML page, perhaps a login page": re.compile(rb"[^\0]{0,1000}<(!doctype html|html)", re.IGNORECASE),
    "an AVIF image": re.compile(rb"....ftyp(avif|avis)", re.DOTALL),
    "a HEIC image": re.compile(rb"....ftyp(hei|hev|mif1|msf1)", re.DOTALL),
    "a JPEG 2000 image": re.compile(rb"\0\0\0\x0cjP|\xff\x4f\xff\x51"),
    "a JPEG XL image": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL"),
    "a Photoshop file": re.compile(rb"8BPS"),
    "a DjVu file": re.compile(rb"AT&TFORM"),
    "a ZIP archive or an Office document": re.compile(rb"PK\x03\x04"),
}
ADVICE = {
    "a PDF file": "Label Studio makes no page images of it: make them (pdftoppm -r 200 -png FILE.pdf page) "
    "and import those, one task for each or a list of them for <Image valueList>.",
}
"""What to do with such a file, where "save it in another format" is not enough."""

# Of these formats Pillow itself warns of more pixels than that, and then refuses them.
PILLOW_PIXELS = 89_478_485
BOUND_BY_PILLOW = {"WebP", "GIF", "TIFF"}

FLAT = 8
"""Levels within which the last block of a JPEG counts as flat: paper, or no data."""

BYTES_IN_DECODE = 8
"""Bytes that decoding takes for one of `Header.decoding_pixels`: Pillow's own four and the page's three."""

PROGRESSIVE_BYTES = 14
"""The same of a progressive JPEG: libjpeg holds two more for each colour of a pixel until the last scan."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file says of itself before anything is decoded.

    two_pictures: a browser may show another picture than the one that is read, and both are kept then.
    progressive: a JPEG that is stored in several scans over the whole picture.
    """

    format: str
    width: int
    height: int
    two_pictures: bool = False
    progressive: bool = False

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def open_pixels(self) -> int:
        """Pixels of the page that is kept: one or two pictures."""
        return self.pixels * (2 if self.two_pictures else 1)

    @property
    def decoding_pixels(self) -> int:
        """Pixels that count while it is decoded: more than it has where the decoder takes more memory."""
        if self.progressive:
            return -(-self.pixels * PROGRESSIVE_BYTES // BYTES_IN_DECODE)
        # WebP's decoder takes twice as much as the others
        return self.pixels * (2 if self.format == "WebP" else 1)


def header(data: bytes, *, max_pixels: int, max_side: int = MAX_SIDE) -> Header:
    """Look at the beginning of an image file; arguments and errors as for `decode`, no pixel is decoded."""
    name = format_of(data)
    with _told(name, _most(name, max_pixels), 0):
        return _header(data, name, _most(name, max_pixels), max_side)


def decode(
    data: bytes,
    *,
    max_pixels: int = MAX_PAGE_PIXELS,
    max_side: int = MAX_SIDE,
    max_scans: int = MAX_JPEG_SCANS,
    budget: PixelBudget | None = None,
    urgency: Urgency | None = None,
) -> Page:
    """Decode an image file into an upright page.

    Args:
        data: the whole file: PNG, JPEG, WebP, BMP, GIF or TIFF.
        max_pixels: most pixels (width x height); read from the header, before anything is decoded.
        max_side: longest side, pixels.
        max_scans: of a JPEG.
        budget: is waited for, and held while pixels are decoded; None where nothing else is decoded.
        urgency: whether an annotator waits for it, now or later; None for bulk work.

    Returns:
        The first frame or page, turned upright by its EXIF tag: RGB, uint8, 16 bits scaled to 8.
        Transparency is laid on white, black or grey, whichever shows more of its ink. The page notes how
        many more pages or frames the file has, and holds what a browser shows where that is another
        picture: transparency on Label Studio's white, 12 to 15 bits in 16 as dark as they are.

    Raises:
        BadImage: the file is of another format, breaks a limit, or is damaged or not whole. A page
            with a part missing is never returned.
        OutOfMemory: it may be whole, but there was no memory to decode it now.
    """
    found = header(data, max_pixels=max_pixels, max_side=max_side)
    most = _most(found.format, max_pixels)
    held = nullcontext() if budget is None else budget.hold(found.decoding_pixels, urgency)
    with held, _told(found.format, most, found.decoding_pixels):
        return _page(data, found.format, most, max_side, max_scans)


@contextmanager
def _told(name: str, max_pixels: int, pixels: int) -> Iterator[None]:
    """Whatever Pillow raises in the block, in one sentence; `pixels` are what it decodes."""
    try:
        yield
    except BadImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(
            f"This {name} image has more than the {max_pixels:,} pixels that may be decoded; "
            "nothing of it was read. Save it smaller, or in parts.",
            format=name,
            limit="pixels",
        ) from error
    except Exception as error:
        if is_out_of_memory(error) or not _memory_for(pixels):
            raise OutOfMemory(
                f"There was not enough memory to decode this {name} image; ask again, and if it stays so "
                "give twinread more memory or lower MAX_DECODING_PIXELS.",
                format=name,
            ) from error
        # Pillow raises whatever its parsers trip over (OSError, SyntaxError, struct.error, KeyError,
        # EOFError, ...); every one means that these bytes are no whole image.
        raise BadImage(
            f"This {name} image is damaged, ends too early, or is stored in a way that cannot be read; a "
            "page with a part missing would look finished. Save it again from its original and use that.",
            format=name,
        ) from error


def _memory_for(pixels: int) -> bool:
    """Whether what decoding takes can be had now: libjpeg and libtiff do not say when it cannot."""
    try:
        np.empty(BYTES_IN_DECODE * pixels, dtype=np.uint8)
    except MemoryError:
        return False
    return True


def _most(name: str, max_pixels: int) -> int:
    return min(max_pixels, PILLOW_PIXELS) if name in BOUND_BY_PILLOW else max_pixels


def turned(stored: Pixels, orientation: int) -> Pixels:
    """Pixels as they lie in a file, turned upright; C-contiguous.

    Args:
        stored: RGB or BGR, shape (height, width, 3).
        orientation: EXIF's, 1 to 8.
    """
    upright = stored.transpose(1, 0, 2) if orientation >= 5 else stored
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(upright[::rows, ::columns])


def turned_back(upright: Pixels, orientation: int) -> Pixels:
    """The inverse of `turned`: upright pixels as they lie in a file of that orientation."""
    # a quarter turn is undone by the other one, everything else by itself
    return turned(upright, {6: 8, 8: 6}.get(orientation, orientation))


def encode(crop: Pixels, format: Literal["png", "jpeg"], quality: int = 95) -> bytes:
    """Write a crop as an image file of the given format; the same crop gives the same bytes.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
        format: "png" keeps every pixel; "jpeg" keeps colour at full resolution.
        quality: of a JPEG, 1 to 100.

    Raises:
        ValueError: a format other than these two.
    """
    if format == "png":
        return png_file(crop)
    if format == "jpeg":
        file = io.BytesIO()
        # With halved colour, red print on white loses its edges.
        Image.fromarray(crop).save(file, "JPEG", quality=quality, subsampling=0)
        return file.getvalue()
    raise ValueError(f"a crop is written as png or jpeg, not as {format!r}")


def format_of(data: bytes) -> str:
    """The format of an image file by its first bytes, as `OPENERS` names it.

    Raises:
        BadImage: it is of no format that can be read.
    """
    if not data:
        raise BadImage("The image file is empty (0 bytes). Upload it again.")
    for name, (signature, _) in OPENERS.items():
        if signature.match(data):
            return name
    kind = next((kind for kind, start in UNSUPPORTED.items() if start.match(data)), "not an image known here")
    raise BadImage(
        f"The file is {kind}; only {SUPPORTED} can be read. "
        + ADVICE.get(kind, "Save the page in one of these formats."),
        format=kind,
    )


def _header(data: bytes, name: str, max_pixels: int, max_side: int) -> Header:
    if name == "WebP":
        # Its decoder allocates the whole picture as soon as it is created.
        found = Header(name, *_webp_size(data), _webp_transparent(data))
    else:
        image = OPENERS[name][1](io.BytesIO(data))
        two_pictures = image_modes.two_pictures(image) and name != "TIFF"
        found = Header(name, *image.size, two_pictures, "progressive" in image.info)
    _check_size(name, (found.width, found.height), max_pixels, max_side)
    return found


def _page(data: bytes, name: str, max_pixels: int, max_side: int, max_scans: int) -> Page:
    # Pillow itself turns a TIFF, which no browser shows
    upright = orientation(data, name)
    flat, shown, notes = _decoded(data, name, max_pixels, max_side, max_scans)
    pixels = turned(flat, upright)
    if name == "TIFF":
        return Page(pixels, (*notes, Reason(ReasonKind.NOT_SHOWN, name)))
    return Page(pixels, notes, None if shown is None else turned(shown, upright))


def _decoded(
    data: bytes, name: str, max_pixels: int, max_side: int, max_scans: int
) -> tuple[Pixels, Pixels | None, tuple[Reason, ...]]:
    """The picture as it is stored, the one that a browser shows, and the notes; Pillow's own copy is gone."""
    jpeg = checked(data, max_scans) if name == "JPEG" else None
    # of a JPEG of several pictures the plain class reads the first one, as does the other one
    image = (
        JpegImagePlugin.JpegImageFile(io.BytesIO(jpeg.once)) if jpeg else OPENERS[name][1](io.BytesIO(data))
    )
    # pages of a TIFF have sizes of their own, so that is looked at where the pixels are
    _check_size(name, image.size, max_pixels, max_side)
    if name == "PNG":
        # The decoder reads the pixels without their checksums; this compares them.
        PngImagePlugin.PngImageFile(io.BytesIO(data)).verify()
    if getattr(image, "default_image", False):
        # a PNG that moves may begin with a picture for programs that cannot move; no browser shows it
        image.seek(1)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        check_tiles(image)
    shown = None
    flat = ordinary_pixels(data, image.mode, image.size) if jpeg else None
    if flat is None:
        image.load()
        if name == "PNG" and not getattr(image, "default_image", False):
            check_png(image, data)
        flat, shown = image_modes.read_and_shown(image, browser=name != "TIFF")
    notes = more_than_one(data, name, image)
    del image
    if jpeg is not None and jpeg.padded is not None:
        _check_whole(flat, jpeg.padded)
    return flat, shown, notes


def _check_whole(flat: Pixels, padded: bytes) -> None:
    """Compare a JPEG of several scans with the form of it whose pixels differ where data are missing.

    What is missing is missing at its end, which is flat then; only such pages are decoded a second time.

    Raises:
        ValueError: data are missing.
    """
    last = flat[-8:, -8:].mean(axis=2)
    if np.ptp(last) > FLAT:
        return
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(padded))
    image.load()
    again, _ = image_modes.read_and_shown(image)
    if not np.array_equal(flat, again):
        raise ValueError("a scan ends too early")


def _check_size(name: str, size: tuple[int, int], max_pixels: int, max_side: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise BadImage(f"This {name} image is {width} x {height} pixels, so it shows nothing.", format=name)
    if width * height > max_pixels or max(width, height) > max_side:
        raise BadImage(
            f"This {name} image is {width} x {height} pixels; at most {max_pixels:,} pixels and "
            f"{max_side:,} on a side may be decoded. Save it smaller, or in parts.",
            format=name,
            limit="pixels",
            width=width,
            height=height,
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height by the first chunk: extended, lossless or lossy.

    Raises:
        ValueError: the first chunk is none of these.
        struct.error: the file ends before the sizes.
    """
    chunk = data[12:16]
    if chunk == b"VP8X":
        wide_low, wide_high, high_low, high_high = struct.unpack_from("<HBHB", data, 24)
        return (wide_high << 16 | wide_low) + 1, (high_high << 16 | high_low) + 1
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(f"no picture begins with the chunk {chunk!r}")


def _webp_transparent(data: bytes) -> bool:
    """Whether its first chunk speaks of transparency."""
    if data[12:16] == b"VP8X":
        return bool(data[20] & 0x10)
    return data[12:16] == b"VP8L" and bool(data[24] & 0x10)
