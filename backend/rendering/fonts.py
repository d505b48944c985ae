"""Fonts of this machine, and which of them have the letters that a text needs.

A font belongs to a script: DejaVu has Cyrillic and Greek, no Thai and no Chinese. One that lacks a letter
draws an empty box, which no reader reads right; so a font is never taken without a look at its letters.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import ImageFont

from backend.text import languages

_ENDINGS: Final = (".ttf", ".otf", ".ttc", ".otc")

_KNOWN: Final = ("dejavusans", "notosans", "notoserif", "liberationsans", "dejavuserif", "arial", "times")
"""Beginnings of the names of fonts that look like print, and that are on most machines; best first."""

_UNLIKE_PRINT: Final = (
    ("lastresort", "adobeblank", "notdef"),  # a box for every letter that there is
    ("emoji", "symbol", "math", "braille", "dingbat", "awesome", "music"),
    ("unifont", "bitmap", "fixed"),
    ("mono", "courier", "consol", "typewriter", "code", "condensed", "narrow", "script", "hand", "chancery"),
    ("italic", "oblique", "slanted"),
    ("thin", "light", "hairline", "bold", "black", "heavy"),
)
"""What a file name says of a font that is unlike the print of books and forms; the worst first."""

_PACKAGES: Final = {
    "Latin": "fonts-dejavu-core",
    "Cyrillic": "fonts-dejavu-core",
    "Greek": "fonts-dejavu-core",
    "Armenian": "fonts-dejavu-core",
    "Georgian": "fonts-dejavu-core",
    "Han": "fonts-noto-cjk",
    "Hiragana": "fonts-noto-cjk",
    "Katakana": "fonts-noto-cjk",
    "Hangul": "fonts-noto-cjk",
    "Bopomofo": "fonts-noto-cjk",
}
"""Debian packages of fonts by script; every other script that is written today is in `_OTHERWISE`."""
_OTHERWISE: Final = "fonts-noto-core"


def font_files() -> tuple[Path, ...]:
    """Every font file of this machine, the likeliest print first; the order is the same each time.

    Looked for in the standard folders of Linux, macOS and Windows, and where fontconfig knows of more. Order:
    text fonts before upright light or bold ones, these before slanted, monospaced, narrow and handwritten
    ones, and symbols last; among equals fonts that most machines have, then by name.
    """
    found = {path for folder in _folders() for path in _below(folder)} | set(_of_fontconfig())
    return tuple(sorted(found, key=_preference))


def font_with(characters: Iterable[str], *, avoid: Collection[str] = ()) -> Path | None:
    """The first font of this machine that has all these letters; None where there is none.

    Args:
        characters: letters, or whole texts; spaces and marks that are not drawn do not count.
        avoid: beginnings of file names that are not to be taken, in any case of letters, such as "DejaVu".
    """
    return next(_able(characters, avoid), None)


def fonts_with(characters: Iterable[str], *, avoid: Collection[str] = ()) -> list[Path]:
    """Every font of this machine that has all these letters, in the order of `font_files`.

    Args:
        characters: as for `font_with`.
        avoid: as for `font_with`.
    """
    return list(_able(characters, avoid))


def font_package(language: str) -> str:
    """The Debian package with a font for a language, such as `fonts-dejavu-core`.

    Raises:
        SettingsWrong: no such language.
    """
    return _PACKAGES.get(languages.script(language), _OTHERWISE)


def _able(characters: Iterable[str], avoid: Collection[str]) -> Iterator[Path]:
    wanted = {ord(character) for character in "".join(characters) if _drawn(character)}
    unwanted = tuple(beginning.lower() for beginning in avoid)
    for path in font_files():
        if path.name.lower().startswith(unwanted):
            continue
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            continue  # it is gone since the folder was read
        if wanted <= _letters(path, changed):
            yield path


def _drawn(character: str) -> bool:
    """Whether a font needs a picture of it: no space, no control, no joiner."""
    return unicodedata.category(character) not in {"Zs", "Zl", "Zp", "Cc", "Cf"}


@cache
def _letters(path: Path, changed: int) -> frozenset[int]:
    """The code points that a font can show; none where Pillow cannot open or scale it.

    Args:
        path: the file; of a collection, its first font is meant.
        changed: when, so that a font that was replaced is looked at again.
    """
    try:
        ImageFont.truetype(str(path), 16).getmask("1")
        with TTFont(path, fontNumber=0, lazy=True) as font:
            cmap: dict[int, str] = font.getBestCmap() or {}
    except Exception:  # noqa: BLE001 - of a broken font both libraries raise whatever they stumble over
        return frozenset()
    return frozenset(code for code, glyph in cmap.items() if glyph != ".notdef")


def _preference(path: Path) -> tuple[int, int, str, str]:
    name = path.stem.lower().replace("-", "").replace("_", "").replace(" ", "")
    unlike = next(
        (
            len(_UNLIKE_PRINT) - place
            for place, words in enumerate(_UNLIKE_PRINT)
            if any(word in name for word in words)
        ),
        0,
    )
    known = next((place for place, start in enumerate(_KNOWN) if name.startswith(start)), len(_KNOWN))
    return unlike, known, name.removesuffix("regular"), str(path)


def _folders() -> list[Path]:
    """Where fonts lie, as each system documents it."""
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [
            Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",
            Path(os.environ.get("LOCALAPPDATA", str(home))) / "Microsoft/Windows/Fonts",
        ]
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return [data / "fonts", home / ".fonts", *(Path(folder) / "fonts" for folder in shared if folder)]


def _below(folder: Path) -> Iterator[Path]:
    """Font files of a folder; none where it is not there or may not be read."""
    for where, _, names in os.walk(folder):
        yield from (Path(where, name) for name in names if name.lower().endswith(_ENDINGS))


def _of_fontconfig() -> Iterator[Path]:
    """Font files that fontconfig knows of, which may lie in folders of a system's own (NixOS, Guix)."""
    command = shutil.which("fc-list")
    if command is None:
        return
    try:
        done = subprocess.run([command, ":", "file"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return  # it only adds to the standard folders
    for line in done.stdout.splitlines():
        path = line.strip().removesuffix(":").strip()
        if path.lower().endswith(_ENDINGS):
            yield Path(path)
