"""Which encoding a file that is not UTF-8 has, as far as its bytes tell; pure."""

from __future__ import annotations

import codecs
import re

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


def other_encoding(content: bytes) -> str | None:
    """The likely encoding of a text file, as a name and for people; None for UTF-8.

    Args:
        content: the file's bytes.

    Returns:
        "UTF-16", "GB18030 (Chinese)", "cp1251 (Cyrillic)", or "another encoding".
    """
    if content.startswith(_MARKS) or content.count(0) * 4 > len(content) > 0:
        return "UTF-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return None
    high = [byte for byte in content if byte > 0x7F]
    pairs = _PAIR.findall(content)
    # the characters that are used most lie in these rows of GB2312; Cyrillic small letters do not
    common = sum(0xB0 <= pair[0] <= 0xD7 or 0xA1 <= pair[0] <= 0xA9 for pair in pairs)
    if 2 * len(pairs) >= 0.9 * len(high) and common >= 0.7 * len(pairs) and _decodes(content, "gb18030"):
        return "GB18030 (Chinese)"
    if sum(byte >= 0xC0 or byte in (0xA8, 0xB8) for byte in high) >= 0.8 * len(high):
        return "cp1251 (Cyrillic)"
    return "another encoding"


def save_as_utf8(found: str) -> str:
    """What to do about a file of another encoding."""
    name = found.partition(" ")[0]
    how = f" (iconv -f {name} -t UTF-8 OLD > NEW)" if found != "another encoding" else ""
    return f"save it as UTF-8 without a byte order mark{how}"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
