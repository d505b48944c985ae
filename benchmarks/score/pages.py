"""Pages drawn for fitting the score: where every word stands is known, whatever the detector makes of a line.

Sentences are translations that come with Django (BSD), names come from CLDR, numbers and codes are made up.
The fonts are those of this machine and of a folder. Documents, receipts, signs, tables, forms and lists,
spoiled as scans and photographs are: skew, blur, noise, faint print, low resolution, JPEG, one-bit.
"""

from __future__ import annotations

import gettext
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from backend.page.lines import Pixels
from backend.rendering.fonts import font_files
from backend.rendering.texts import sample_texts
from backend.text import languages

STYLES: Final = ("document", "document", "receipt", "table", "form", "list", "sign")
_ROOT = Path(__file__).resolve().parents[2]
_SENTENCES = _ROOT / ".venv-label-studio"
_PLACEHOLDERS: Final = frozenset("%{}<>&\n\t|_")


@dataclass(frozen=True, slots=True)
class Word:
    """A word on a page.

    line: number of its line; words of one line come from left to right.
    box: (4, 2) float32, page pixels.
    """

    line: int
    text: str
    box: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A page and what stands on it."""

    name: str
    language: str
    style: str
    pixels: Pixels
    words: tuple[Word, ...]


@dataclass(slots=True)
class _Sheet:
    """A page while it is drawn: words with upright boxes (left, top, right, bottom)."""

    picture: Image.Image
    words: list[tuple[int, str, tuple[float, float, float, float]]] = field(default_factory=list)
    lines: int = 0

    def write(self, text: str, place: tuple[float, float], font: ImageFont.FreeTypeFont, ink: int) -> None:
        """One line at once, so that letters stand as the font wants them; its words are measured."""
        left, top = place
        ImageDraw.Draw(self.picture).text(place, text, font=font, fill=(ink, ink, ink + ink // 8))
        at = 0
        for word in text.split(" "):
            if word:
                begins = left + font.getlength(text[:at])
                box = begins, top, begins + font.getlength(word), top + font.size * 1.15
                self.words.append((self.lines, word, box))
            at += len(word) + 1

    def new_line(self) -> None:
        self.lines += 1


def drawn_page(language: str, number: int, fonts: Sequence[Path]) -> DrawnPage:
    """Draw a page; the same arguments and fonts give the same page.

    Args:
        language: two letters; there must be sentences of it.
        number: chooses texts, style and damage.
        fonts: files with the letters of the language.
    """
    chosen = random.Random(f"{language} {number}")
    style = STYLES[number % len(STYLES)]
    sheet = _laid_out(style, language, chosen, fonts)
    pixels, turn = _damaged(np.asarray(sheet.picture), chosen)
    words = tuple(Word(line, text, _moved(box, turn)) for line, text, box in sheet.words)
    return DrawnPage(f"{language}-{number:03}-{style}", language, style, pixels, words)


@lru_cache
def fonts_for(language: str, folder: Path | None) -> tuple[Path, ...]:
    """Fonts of this machine and of a folder that have the letters of a language."""
    paths = [*font_files(), *(sorted(folder.iterdir()) if folder else [])]
    letters = "".join(sorted(languages.letters(language))) + "0123456789.,:-()"
    by_name = {path.name: path for path in paths if _draws(path, letters)}
    return tuple(by_name[name] for name in sorted(by_name) if "Math" not in name and "wqy" not in name)


def _draws(path: Path, letters: str) -> bool:
    font = ImageFont.truetype(str(path), 20)
    lacking = bytes(font.getmask("\U0010fffe"))
    return all(bytes(font.getmask(letter)) != lacking for letter in letters)


def _laid_out(style: str, language: str, chosen: random.Random, fonts: Sequence[Path]) -> _Sheet:
    mono = [path for path in fonts if "mono" in path.name.casefold() or "code" in path.name.casefold()]
    plain = [path for path in fonts if path not in mono]
    path = chosen.choice(mono if style == "receipt" and mono else plain)
    size = chosen.randint(30, 64) if style == "sign" else chosen.randint(15, 30)
    font = ImageFont.truetype(str(path), size)
    paper, ink = chosen.randint(215, 255), chosen.randint(0, 90)
    width = {"receipt": 24, "sign": 16, "table": 46}.get(style, 40) * size
    rows = {"sign": 5, "document": 26}.get(style, 20)
    step = size * chosen.uniform(1.35, 1.8)
    picture = Image.new(
        "RGB", (int(width), int(step * (rows + 3))), (paper, paper, paper - chosen.randint(0, 12))
    )
    sheet = _Sheet(picture)
    left = size * 1.5
    texts = _texts(language, chosen)
    columns = (left, width * 0.55, width * 0.8)
    top = step
    for row in range(rows):
        if style == "table":
            ruled = ImageDraw.Draw(picture)
            ruled.line((left - 8, top - 0.2 * size, width - size, top - 0.2 * size), fill=(ink,) * 3, width=1)
            for column in columns:
                ruled.line(
                    (column - 8, top - 0.2 * size, column - 8, top - 0.2 * size + step), fill=(ink,) * 3
                )
                piece = texts.label() if column == left else texts.number()
                sheet.write(
                    _fitting(piece, font, (width if column != left else columns[1]) - column),
                    (column, top),
                    font,
                    ink,
                )
                sheet.new_line()
        elif style == "receipt":
            sheet.write(_fitting(texts.label(), font, width * 0.6), (left, top), font, ink)
            price = texts.price()
            sheet.write(price, (width - size - font.getlength(price), top), font, ink)
            sheet.new_line()
        elif style == "form":
            sheet.write(
                _fitting(f"{texts.label()}: {texts.value()}", font, width - 2 * left), (left, top), font, ink
            )
            sheet.new_line()
        elif style == "list":
            sheet.write(_fitting(texts.value(), font, width - 2 * left), (left, top), font, ink)
            sheet.new_line()
        elif style == "sign":
            said = texts.label()
            said = said.upper() if row % 2 else said
            sheet.write(_fitting(said, font, width - 2 * left), (left, top), font, ink)
            sheet.new_line()
        else:
            sheet.write(_fitting(texts.prose(), font, width - 2 * left), (left, top), font, ink)
            sheet.new_line()
        top += step
    return sheet


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    words = text.split()
    while len(words) > 1 and font.getlength(" ".join(words)) > width:
        words.pop()
    return " ".join(words)


@dataclass(slots=True)
class _Texts:
    language: str
    chosen: random.Random
    sentences: tuple[str, ...]
    names: tuple[str, ...]

    def prose(self) -> str:
        pieces = [self._sentence()]
        while len(pieces[-1]) and sum(map(len, pieces)) < 90:
            pieces.append(self._sentence())
        words = " ".join(pieces).split()
        # a line of a paragraph begins anywhere
        return " ".join(words[self.chosen.randrange(max(1, len(words) // 2)) :])

    def label(self) -> str:
        return self.chosen.choice([self.chosen.choice(self.names), self._sentence()])

    def value(self) -> str:
        pick = self.chosen.randint
        code = "".join(
            self.chosen.choices(string.ascii_uppercase + string.digits * 2, k=self.chosen.randint(5, 10))
        )
        return self.chosen.choice(
            [
                self.number(),
                self.price(),
                self.label(),
                code,
                f"{self.chosen.choice(string.ascii_lowercase)}.{self._latin()}@{self._latin()}.com",
                f"www.{self._latin()}.org/{self._latin()}",
                f"+{pick(1, 99)} ({pick(100, 999)}) {pick(100, 999)}-{pick(10, 99)}-{pick(10, 99)}",
                f"{pick(1, 28):02}.{pick(1, 12):02}.{pick(1950, 2030)}",
                f"№ {self.chosen.randint(1, 999)}"
                if self.language in ("ru", "uk")
                else f"No. {self.chosen.randint(1, 999)}",
                f"«{self.chosen.choice(self.names)}»"
                if self.language != "en"
                else f'"{self.chosen.choice(self.names)}"',
                f"{self.chosen.choice(self.names)} – {self.chosen.choice(self.names)}",
                f"{self.chosen.randint(1, 100)} %",
                f"{self.chosen.choice(['I', 'II', 'III', 'IV', 'VI', 'XIV', 'XX'])}. {self.label()}",
                f"{self.chosen.randint(1, 40)}) {self.label()};",
            ]
        )

    def number(self) -> str:
        digits = self.chosen.randint(1, 9)
        number = str(self.chosen.randrange(10 ** (digits - 1), 10**digits))
        return self.chosen.choice(
            [
                number,
                self.price(),
                f"{number[:3]}/{number[3:] or '1'}",
                f"{number}.{self.chosen.randint(0, 9)}",
            ]
        )

    def price(self) -> str:
        whole, cents = self.chosen.randint(1, 99999), self.chosen.randint(0, 99)
        return self.chosen.choice(
            [f"{whole}.{cents:02}", f"{whole},{cents:02}", f"{whole:,}.{cents:02}", f"{whole}"]
        )

    def _latin(self) -> str:
        return "".join(self.chosen.choices(string.ascii_lowercase, k=self.chosen.randint(4, 9)))

    def _sentence(self) -> str:
        return self.chosen.choice(self.sentences)


def _texts(language: str, chosen: random.Random) -> _Texts:
    return _Texts(language, chosen, _sentences(language), tuple(sample_texts(language, 200, words_only=True)))


@lru_cache
def _sentences(language: str) -> tuple[str, ...]:
    """Sentences and words of a language: Django's messages, without those that have something put in."""
    found = set()
    folder = "ru" if language == "en" else language
    for path in sorted(_SENTENCES.glob(f"lib/python3*/site-packages/**/locale/{folder}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        pairs = [(key, value) for key, value in catalogue.items() if isinstance(key, str)]
        found |= {(key if language == "en" else value).strip() for key, value in pairs if key}
    kept = sorted(
        text for text in found if len(text) > 3 and not _PLACEHOLDERS & set(text) and text.isprintable()
    )
    if not kept:
        raise SystemExit(
            f"No sentences in '{language}' under {_SENTENCES}: make setup installs Label Studio there."
        )
    return tuple(kept)


def _damaged(pixels: Pixels, chosen: random.Random) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The page spoiled a little or much, and the affine turn that its points took."""
    noise = np.random.default_rng(chosen.randrange(2**32))
    height, width = pixels.shape[:2]
    angle = chosen.choice([0.0, 0.0, chosen.uniform(-1, 1), chosen.uniform(-4, 4)])
    scale = chosen.choice([1.0, 1.0, chosen.uniform(0.5, 0.9), chosen.uniform(0.35, 0.6)])
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    turn[:, 2] += np.array([width, height]) * (scale - 1) / 2
    size = round(width * scale), round(height * scale)
    ground = tuple(int(level) for level in np.median(pixels.reshape(-1, 3), axis=0))
    made = cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_AREA, borderValue=ground).astype(np.float32)
    harm = chosen.choice(
        ["none", "blur", "noise", "faint", "motion", "thick", "thin", "bilevel", "mixed", "mixed"]
    )
    if harm in ("thick", "thin"):
        change = cv2.erode if harm == "thick" else cv2.dilate
        made = change(made, np.ones((2, 2), np.uint8))
    if harm in ("blur", "mixed"):
        made = cv2.GaussianBlur(made, (0, 0), chosen.uniform(0.5, 2.2) * max(scale, 0.5))
    if harm == "motion":
        length = chosen.randint(3, 9)
        made = cv2.filter2D(made, -1, np.full((1, length), 1 / length, np.float32))
    if harm in ("faint", "mixed"):
        middle = made.mean()
        made = middle + (made - middle) * chosen.uniform(0.15, 0.6)
    if harm in ("noise", "mixed"):
        made = made + noise.normal(0, chosen.uniform(3, 22), (*made.shape[:2], 1))
    if harm == "bilevel":
        grey = made.mean(axis=2) + noise.normal(0, chosen.uniform(2, 25), made.shape[:2])
        made = np.repeat(np.where(grey < chosen.uniform(100, 190), 0, 255)[:, :, None], 3, axis=2).astype(
            np.float32
        )
    if chosen.random() < 0.3:
        shade = np.linspace(1, chosen.uniform(0.55, 0.95), made.shape[1])[None, :, None]
        made = made * shade
    if chosen.random() < 1 / 10:
        made = 255 - made
    done = np.clip(made, 0, 255).astype(np.uint8)
    if chosen.random() < 0.7:
        _, packed = cv2.imencode(".jpg", done, [cv2.IMWRITE_JPEG_QUALITY, chosen.choice([30, 50, 75, 92])])
        done = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(done), turn


def _moved(box: tuple[float, float, float, float], turn: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    left, top, right, bottom = box
    corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])
    return (corners @ turn.T).astype(np.float32)
