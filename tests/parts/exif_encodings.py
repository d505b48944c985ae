"""Every way found so far to write an EXIF orientation into an image file, well formed and not.

One picture throughout, 48 x 32 as it lies in the file: red at its top left, green at the top right, blue at
the bottom left, sand elsewhere. So how a program turns it is read off its corners.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image

ORIENTATION, INNER = 0x0112, 0x8769
BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG = 1, 2, 3, 4, 5, 6, 7, 8, 9
PREFIX = b"Exif\0\0"


def picture(mode: str = "RGB") -> Image.Image:
    """48 x 32 with three coloured corners."""
    image = Image.new("RGB", (48, 32), (220, 200, 160))
    for corner, colour in (((0, 0), (200, 0, 0)), ((32, 0), (0, 160, 0)), ((0, 16), (0, 0, 200))):
        image.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
    return image.convert(mode)


@dataclass(frozen=True)
class Entry:
    """One tag of a directory; `field` instead of a value gives its four bytes as they are."""

    value: int = 6
    kind: int = SHORT
    count: int = 1
    tag: int = ORIENTATION
    field: bytes | None = None

    def packed(self, order: str) -> bytes:
        field = self.field
        if field is None:
            code = {BYTE: "B", ASCII: "B", SBYTE: "b", UNDEFINED: "B", SHORT: "H", SSHORT: "h"}
            field = struct.pack(order + code.get(self.kind, "I"), self.value).ljust(4, b"\0")
        return struct.pack(order + "HHI", self.tag, self.kind, self.count) + field


def tiff(
    *entries: Entry,
    order: str = "<",
    offset: int = 8,
    said_offset: int | None = None,
    said_entries: int | None = None,
    end: bytes = b"\0\0\0\0",
    mark: bytes | None = None,
    magic: int = 42,
    behind: bytes = b"",
) -> bytes:
    """The directory of tags as EXIF holds it: TIFF's header, one directory, the offset of the next."""
    mark = mark if mark is not None else b"II" if order == "<" else b"MM"
    header = mark + struct.pack(order + "HI", magic, offset if said_offset is None else said_offset)
    count = struct.pack(order + "H", len(entries) if said_entries is None else said_entries)
    directory = count + b"".join(entry.packed(order) for entry in entries) + end
    return header + bytes(max(0, offset - 8)) + directory + behind


def directory(*entries: Entry) -> bytes:
    """Another directory in Intel's byte order, the last one."""
    return struct.pack("<H", len(entries)) + b"".join(entry.packed("<") for entry in entries) + bytes(4)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


# JPEG


def segment(content: bytes, marker: int = 0xE1) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(*segments: bytes, mode: str = "RGB", before: bytes = b"\xff\xdb", **options: object) -> bytes:
    """A JPEG with these segments before the first marker `before`; 0xFFDB are its tables."""
    data = _saved(picture(mode), "JPEG", quality=95, subsampling=0, **options)
    at = data.index(before)
    return data[:at] + b"".join(segments) + data[at:]


def app1(*entries: Entry, prefix: bytes = PREFIX, **options: object) -> bytes:
    return segment(prefix + tiff(*entries, **options))  # type: ignore[arg-type]


# PNG


def chunk(name: bytes, content: bytes, wrong_sum: bool = False) -> bytes:
    total = zlib.crc32(name + content) ^ wrong_sum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", total)


def png(
    *chunks: bytes, before: bytes = b"IDAT", image: Image.Image | None = None, **options: object
) -> bytes:
    data = _saved(image or picture(), "PNG", **options)
    at = data.index(before) - 4
    return data[:at] + b"".join(chunks) + data[at:]


# WebP


def webp(
    *pieces: tuple[bytes, bytes],
    flag: bool = True,
    extended: bool = True,
    first: bool = False,
    **options: object,
) -> bytes:
    """A WebP with these chunks behind its picture, or before it.

    Args:
        pieces: names and contents.
        flag: whether the extended header says that there is EXIF.
        extended: whether there is an extended header.
        first: before the picture.
        options: of the picture's encoder.
    """
    data = _saved(picture(), "WEBP", **{"lossless": True, **options})
    body = data[12:]
    if body[:4] == b"VP8X":
        header, body = body[8:18], body[18:]
        header = bytes([header[0] | 8 * flag]) + header[1:]
    else:
        header = struct.pack("<IHBHB", 8 * flag, 47, 0, 31, 0)
    parts = b"".join(riff(*piece) for piece in pieces)
    whole = (riff(b"VP8X", header) if extended else b"") + (parts + body if first else body + parts)
    return b"RIFF" + struct.pack("<I", len(whole) + 4) + b"WEBP" + whole


def riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


@cache
def encodings() -> dict[str, bytes]:
    """Every encoding by its name; names are unique."""
    every = [*_jpegs(), *_pngs(), *_webps(), *_others()]
    assert len({name for name, _ in every}) == len(every)
    return dict(every)


Named = tuple[str, bytes]
OTHER = Entry(72, SHORT, 1, 0x0128)
MAKE = Entry(0, ASCII, 4, 0x010F, b"Abc\0")


def _jpegs() -> Iterator[Named]:
    for value in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 256, 65535):
        yield f"JPEG {value}", jpeg(app1(Entry(value)))
        yield f"JPEG {value} big-endian", jpeg(app1(Entry(value), order=">"))
    kinds = {
        "BYTE": BYTE, "ASCII": ASCII, "LONG": LONG, "RATIONAL": RATIONAL, "SBYTE": SBYTE,
        "UNDEFINED": UNDEFINED, "SSHORT": SSHORT, "SLONG": SLONG, "type 0": 0, "type 13": 13, "type 99": 99,
    }  # fmt: skip
    for name, kind in kinds.items():
        for order, ending in (("<", ""), (">", " big-endian")):
            yield f"JPEG {name}{ending}", jpeg(app1(Entry(6, kind), order=order))
    yield "JPEG type 13 in two bytes, big-endian", jpeg(app1(Entry(kind=13, field=b"\0\6\0\0"), order=">"))
    for count in (0, 2, 3, 0xFFFF, 0xFFFFFFFF):
        yield f"JPEG count {count}", jpeg(app1(Entry(6, count=count)))
        yield f"JPEG count {count} big-endian", jpeg(app1(Entry(6, count=count), order=">"))
    yield "JPEG count 2 of LONG", jpeg(app1(Entry(6, LONG, 2)))
    yield "JPEG count 3 at an offset", jpeg(app1(Entry(26, count=3), behind=b"\6\0\6\0\6\0"))
    yield "JPEG SHORT in the wrong half, big-endian", jpeg(app1(Entry(field=b"\0\0\0\6"), order=">"))
    yield "JPEG SHORT with rubbish behind it", jpeg(app1(Entry(field=b"\6\0\xff\xff")))
    yield "JPEG SHORT with rubbish behind it, big-endian", jpeg(app1(Entry(field=b"\0\6\xff\xff"), order=">"))
    yield "JPEG LONG beyond a SHORT", jpeg(app1(Entry(0x10006, LONG)))
    for offset in (0, 1, 2, 7, 9, 10, 100, 5000):
        yield f"JPEG directory at {offset}", jpeg(app1(Entry(), offset=offset))
    for said in (4, 1000, 0xFFFFFFFF, 0x80000008):
        yield f"JPEG directory said at {said}", jpeg(app1(Entry(), said_offset=said))
    for said in (0, 2, 5, 0xFFFF):
        yield f"JPEG {said} entries said", jpeg(app1(Entry(), said_entries=said))
    yield "JPEG 2 said, 3 there, the tag last", jpeg(app1(OTHER, MAKE, Entry(), said_entries=2))
    yield "JPEG tag behind others", jpeg(app1(MAKE, Entry(), OTHER))
    yield "JPEG tags out of order", jpeg(app1(OTHER, MAKE, Entry()))
    yield "JPEG behind an unknown type", jpeg(app1(Entry(1, 77, 1, 0x0100), Entry()))
    yield (
        "JPEG behind a tag out of bounds",
        jpeg(app1(Entry(0, ASCII, 900, 0x010E, b"\x60\xea\0\0"), Entry())),
    )
    yield "JPEG tag twice, 6 then 3", jpeg(app1(Entry(6), Entry(3)))
    yield "JPEG tag twice, 3 then 6", jpeg(app1(Entry(3), Entry(6)))
    yield "JPEG tag twice, 0 then 6", jpeg(app1(Entry(0), Entry(6)))
    yield "JPEG tag twice, 6 then 0", jpeg(app1(Entry(6), Entry(0)))
    yield "JPEG tag twice, LONG 3 then SHORT 6", jpeg(app1(Entry(3, LONG), Entry(6)))
    yield "JPEG tag twice, SHORT 6 then LONG 3", jpeg(app1(Entry(6), Entry(3, LONG)))
    yield "JPEG no next directory", jpeg(app1(Entry(), end=b""))
    yield "JPEG cut in the next directory's offset", jpeg(app1(Entry(), end=b"\0\0"))
    yield "JPEG cut in the tag", jpeg(segment((PREFIX + tiff(Entry(), end=b""))[:-1]))
    yield "JPEG cut in the tag's unused half", jpeg(segment((PREFIX + tiff(Entry(), end=b""))[:-2]))
    second = tiff(
        MAKE, end=struct.pack("<I", 26), behind=struct.pack("<H", 1) + Entry().packed("<") + bytes(4)
    )
    yield "JPEG tag in the thumbnail's directory", jpeg(segment(PREFIX + second))
    yield from _with_inner_directory()
    for length in (1, 4, 8, 14):
        begun = segment(PREFIX + tiff(Entry())[:length])
        yield f"JPEG {length} bytes of EXIF then EXIF 6", jpeg(begun, app1(Entry(6)))
    no_header = {
        "empty": b"", "two bytes": b"II", "a header alone": tiff()[:8], "no entry": tiff(),
        "rubbish": b"rubbish!" * 4,
    }  # fmt: skip
    for name, content in no_header.items():
        yield f"JPEG EXIF of {name}", jpeg(segment(PREFIX + content))
    yield "JPEG Exif and one zero then EXIF 6", jpeg(segment(b"Exif\0"), app1(Entry(6)))
    for magic in (0, 41, 43, 0x2A00, 0x55, 0x4F52):
        yield f"JPEG magic {magic:#x}", jpeg(app1(Entry(), magic=magic))
    for mark in (b"ii", b"mm", b"IM", b"MI", b"\0\0"):
        yield f"JPEG byte order {mark!r}", jpeg(app1(Entry(), mark=mark))
    prefixes = {
        "Exif 00 ff": b"Exif\0\xff", "Exif 00 01": b"Exif\0\1", "Exif 00 20": b"Exif\0 ",
        "Exif ff 00": b"Exif\xff\0", "Exif 20 00": b"Exif \0", "Exif 00 without the second": b"Exif\0",
        "EXIF": b"EXIF\0\0", "exif": b"exif\0\0", "none": b"", "Exif alone": b"Exif", "twice": PREFIX * 2,
        "three zeros": b"Exif\0\0\0",
    }  # fmt: skip
    for name, prefix in prefixes.items():
        yield f"JPEG prefix {name}", jpeg(app1(Entry(), prefix=prefix))
        if name in ("Exif 00 ff", "none"):
            yield f"JPEG prefix {name} big-endian", jpeg(app1(Entry(), prefix=prefix, order=">"))
    xmp = segment(
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf="
        b"'http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' xmlns:tiff="
        b"'http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/></rdf:RDF></x:xmpmeta>"
    )
    six, three, none = app1(Entry(6)), app1(Entry(3)), app1(MAKE)
    orders: dict[str, Sequence[bytes]] = {
        "XMP alone": (xmp,), "XMP then EXIF 3": (xmp, three), "EXIF 3 then XMP": (three, xmp),
        "EXIF 6 then 3": (six, three), "EXIF 3 then 6": (three, six),
        "EXIF without the tag then 6": (none, six),
        "EXIF 6 then without the tag": (six, none), "EXIF 0 then 6": (app1(Entry(0)), six),
        "rubbish then EXIF 6": (segment(PREFIX + b"rubbish!" * 4), six),
        "EXIF 6 then rubbish": (six, segment(PREFIX + b"rubbish!" * 4)),
        "empty APP1 then EXIF 6": (segment(b""), six), "empty EXIF then EXIF 6": (segment(PREFIX), six),
        "LONG 3 then SHORT 6": (app1(Entry(3, LONG)), six),
        "Exif 00 ff 3 then 6": (app1(Entry(3), prefix=b"Exif\0\xff"), six),
        "split over two": (
            segment(PREFIX + tiff(MAKE, Entry())[:24]), segment(PREFIX + tiff(MAKE, Entry())[24:]),
        ),
        "comment then EXIF 6": (segment(b"hello", 0xFE), six),
        "ICC then EXIF 6": (segment(b"ICC_PROFILE\0\1\1" + bytes(20), 0xE2), six),
        "EXIF in APP0": (segment(PREFIX + tiff(Entry()), 0xE0),),
        "EXIF in APP2": (segment(PREFIX + tiff(Entry()), 0xE2),),
        "EXIF in a comment": (segment(PREFIX + tiff(Entry()), 0xFE),),
        "fill bytes before EXIF 6": (b"\xff\xff\xff" + six,),
        "zeros before EXIF 6": (b"\0\0\0" + six,),
    }  # fmt: skip
    for name, segments in orders.items():
        yield f"JPEG {name}", jpeg(*segments)
    yield "JPEG EXIF before JFIF", jpeg(six, before=b"\xff\xe0")
    yield "JPEG EXIF behind the tables", jpeg(six, before=b"\xff\xc0")
    yield "JPEG EXIF behind the size", jpeg(six, before=b"\xff\xc4")
    yield "JPEG EXIF just before the scan", jpeg(six, before=b"\xff\xda")
    yield "JPEG EXIF at the end", jpeg(six, before=b"\xff\xd9")
    yield "JPEG EXIF after the end", jpeg() + six
    progressive = jpeg(progressive=True)
    last = progressive.rindex(b"\xff\xda")
    yield "JPEG EXIF between two scans", progressive[:last] + six + progressive[last:]
    yield "JPEG progressive 6", jpeg(six, progressive=True)
    yield "JPEG grey 6", jpeg(six, mode="L")
    yield "JPEG long EXIF 6", jpeg(app1(Entry(), behind=bytes(60_000)))


def _with_inner_directory() -> Iterator[Named]:
    """The main directory with pointers to an inner one, which lies behind it."""

    def jpeg_of(*entries: Entry, inner: Entry) -> bytes:
        behind = 8 + 2 + 12 * len(entries) + 4
        placed = [replace(entry, value=behind) if entry.value < 0 else entry for entry in entries]
        return jpeg(segment(PREFIX + tiff(*placed, behind=directory(inner))))

    pointer = Entry(-1, LONG, 1, INNER)
    yield "JPEG inner 3", jpeg_of(pointer, inner=Entry(3))
    yield "JPEG inner 3 then 6", jpeg_of(pointer, Entry(6), inner=Entry(3))
    yield "JPEG 6 then inner 3", jpeg_of(Entry(6), pointer, inner=Entry(3))
    yield "JPEG 0 then inner 3", jpeg_of(Entry(0), pointer, inner=Entry(3))
    yield "JPEG inner 0 then 6", jpeg_of(pointer, Entry(6), inner=Entry(0))
    yield "JPEG pointer of one SHORT", jpeg_of(replace(pointer, kind=SHORT), inner=Entry(3))
    yield "JPEG pointer of type 13", jpeg_of(replace(pointer, kind=13), inner=Entry(3))
    yield "JPEG pointer of count 2", jpeg_of(replace(pointer, count=2), inner=Entry(3))
    yield "JPEG 3 in the directory of places", jpeg_of(replace(pointer, tag=0x8825), inner=Entry(3))
    for at in (0, 8, 9999, 0xFFFFFFFF):
        yield f"JPEG pointer to {at} then 6", jpeg_of(replace(pointer, value=at), Entry(6), inner=Entry(3))
    twice = tiff(
        replace(pointer, value=38),
        replace(pointer, value=56),
        behind=directory(Entry(0)) + directory(Entry(3)),
    )
    yield "JPEG two pointers, 0 then 3", jpeg(segment(PREFIX + twice))
    deeper = tiff(
        replace(pointer, value=26), behind=directory(replace(pointer, value=44)) + directory(Entry(3))
    )
    yield "JPEG inner of the inner", jpeg(segment(PREFIX + deeper))


def _sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(picture("L")).astype(np.uint16) * 257)


def _pngs() -> Iterator[Named]:
    def exif(value: int = 6, prefix: bytes = b"", **options: object) -> bytes:
        return chunk(b"eXIf", prefix + tiff(Entry(value), **options))  # type: ignore[arg-type]

    for value in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9):
        yield f"PNG {value}", png(exif(value))
    yield "PNG 6 big-endian", png(exif(order=">"))
    yield "PNG 6 after the pixels", png(exif(), before=b"IEND")
    yield "PNG 3 before and 6 after the pixels", png(exif(3))[:-12] + exif(6) + png()[-12:]
    yield "PNG 6 after the end", png() + exif()
    yield "PNG twice, 6 then 3", png(exif(6), exif(3))
    yield "PNG twice, 3 then 6", png(exif(3), exif(6))
    yield "PNG twice, 0 then 6", png(exif(0), exif(6))
    yield "PNG twice, rubbish then 6", png(chunk(b"eXIf", b"rubbish!" * 4), exif(6))
    for name, prefix in {"Exif 00 00": PREFIX, "Exif 00 ff": b"Exif\0\xff", "Exif 00": b"Exif\0"}.items():
        yield f"PNG prefix {name}", png(exif(prefix=prefix))
        yield f"PNG prefix {name} big-endian", png(exif(prefix=prefix, order=">"))
    for name, kind in {"BYTE": BYTE, "LONG": LONG, "SSHORT": SSHORT}.items():
        yield f"PNG {name}", png(chunk(b"eXIf", tiff(Entry(6, kind))))
    for count in (0, 2, 3):
        yield f"PNG count {count}", png(chunk(b"eXIf", tiff(Entry(6, count=count))))
    yield "PNG empty EXIF", png(chunk(b"eXIf", b""))
    yield "PNG empty EXIF then 6", png(chunk(b"eXIf", b""), exif(6))
    yield "PNG begun EXIF then 6", png(chunk(b"eXIf", b"II*\0"), exif(6))
    inner = tiff(Entry(26, LONG, 1, INNER), behind=directory(Entry(3)))
    yield "PNG 3 in the inner directory", png(chunk(b"eXIf", inner))
    yield "PNG magic 43", png(chunk(b"eXIf", tiff(Entry(), magic=43)))
    yield "PNG cut in the tag", png(chunk(b"eXIf", tiff(Entry(), end=b"")[:-1]))
    yield "PNG no next directory", png(chunk(b"eXIf", tiff(Entry(), end=b"")))
    palette = picture().quantize(8)
    yield "PNG 6 before the palette", png(exif(), before=b"PLTE", image=palette)
    yield "PNG 6 behind the palette", png(exif(), image=palette)
    yield "PNG 6 that moves", png(exif(), save_all=True, append_images=[picture()])
    yield "PNG 6 of 16 bits", png(exif(), image=_sixteen_bits())
    raw = (b"\nexif\n%8d\n" % len(PREFIX + tiff(Entry()))) + (PREFIX + tiff(Entry())).hex().encode() + b"\n"
    for name in (b"exif", b"APP1"):
        label = b"Raw profile type " + name + b"\0"
        yield f"PNG raw profile {name.decode()}", png(chunk(b"tEXt", label + raw))
        yield (
            f"PNG compressed raw profile {name.decode()}",
            png(chunk(b"zTXt", label + b"\0" + zlib.compress(raw))),
        )
    yield "PNG chunk exIf", png(chunk(b"exIf", tiff(Entry())))
    yield "PNG orientation as text", png(chunk(b"tEXt", b"exif:Orientation\x006"))


def _webps() -> Iterator[Named]:
    for value in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9):
        yield f"WebP {value}", webp((b"EXIF", tiff(Entry(value))))
    for value in (1, 2, 3, 4, 5, 6, 7, 8):
        yield f"WebP lossy {value}", webp((b"EXIF", tiff(Entry(value))), lossless=False, quality=95)
    for value in (3, 6):
        yield f"WebP {value} without its flag", webp((b"EXIF", tiff(Entry(value))), flag=False)
        yield f"WebP {value} without a header", webp((b"EXIF", tiff(Entry(value))), extended=False)
        yield f"WebP {value} with a prefix", webp((b"EXIF", PREFIX + tiff(Entry(value))))
        yield f"WebP {value} before the picture", webp((b"EXIF", tiff(Entry(value))), first=True)
    yield "WebP 6 big-endian", webp((b"EXIF", tiff(Entry(), order=">")))
    yield "WebP prefix Exif 00 ff", webp((b"EXIF", b"Exif\0\xff" + tiff(Entry())))
    yield "WebP twice, 6 then 3", webp((b"EXIF", tiff(Entry(6))), (b"EXIF", tiff(Entry(3))))
    yield "WebP behind XMP", webp((b"XMP ", b"<x:xmpmeta/>"), (b"EXIF", tiff(Entry())))
    yield "WebP LONG", webp((b"EXIF", tiff(Entry(6, LONG))))
    yield "WebP chunk Exif", webp((b"Exif", tiff(Entry())))
    yield (
        "WebP 6 that moves",
        webp((b"EXIF", tiff(Entry())), save_all=True, append_images=[picture().rotate(180)], duration=60_000),
    )


def _others() -> Iterator[Named]:
    """Formats that hold no EXIF."""
    yield "GIF", _saved(picture(), "GIF")
    yield "BMP", _saved(picture(), "BMP")
