"""Small files that cost much: pictures and labeling configs, made here."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from tests.parts.drawn_pages import drawn_page, file_of


def pictures() -> dict[str, bytes]:
    """File names and contents."""
    return {
        "bomb_1bit.png": png(20_000, 10_000, depth=1, colour=0),
        "bomb_16bit.png": png(9_900, 8_000, depth=16, colour=0),
        "lying.jpg": lying_jpeg(14_000),
        "scans.jpg": jpeg_of_scans(2_000),
    }


def png(width: int, height: int, *, depth: int, colour: int) -> bytes:
    """A black PNG, packed by row so that it is never whole in memory here."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + width * depth // 8)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def lying_jpeg(side: int) -> bytes:
    """A JPEG of 16 x 16 whose header says more."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "white").save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(content)


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG in which one scan is repeated."""
    page, _ = drawn_page(["Счёт 12"], (8000, 6000))
    content = file_of(page.convert("L"), "JPEG", progressive=True, quality=30)
    starts = [at for at in range(len(content) - 1) if content[at : at + 2] == b"\xff\xda"]
    return content[:-2] + content[starts[1] : starts[2]] * count + content[-2:]


def labeling_configs() -> dict[str, str]:
    """Configs whose parts multiply, by what they hold."""
    nested = "".join(f'<Repeater on="$p{n}" indexFlag="{{{{i{n}}}}}">' for n in range(5000))
    ten = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return {
        "200 Repeaters, 200 images, 2,000 labels": _config(200, 200, 2000),
        "500 Repeaters, 1,000 images, 10,000 labels": _config(500, 1000, 10_000),
        "4,500 images": _config(0, 4500, 4500),
        "5,000 Repeaters in each other": f"<View>{nested}{_image(0, 1)}{'</Repeater>' * 5000}</View>",
        "one label of 5 MB": _config(0, 1, 1).replace("w0", "w" * 5_000_000),
        "entities that multiply": (
            f'<!DOCTYPE v [<!ENTITY a0 "aaaaaaaaaa">{ten}]><View>{_image(0, 1)}<Text name="&a9;"/></View>'
        ),
    }


def _config(repeaters: int, images: int, labels: int) -> str:
    repeated = "".join(f'<Repeater on="$p{n}"><View/></Repeater>' for n in range(repeaters))
    shown = "".join(_image(number, labels // images) for number in range(images))
    return f"<View>{repeated}{shown}</View>"


def _image(number: int, labels: int) -> str:
    words = "".join(f'<Label value="w{n}"/>' for n in range(labels))
    at = f'toName="i{number}"'
    return (
        f'<Image name="i{number}" value="$i{number}"/><RectangleLabels name="l{number}" {at}>'
        f'<Label value="Text"/>{words}</RectangleLabels><TextArea name="t{number}" {at} perRegion="true"/>'
    )
