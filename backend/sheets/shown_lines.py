"""What an annotator sees of one line: its strip, what differs, and its answers with their keys; pure.

Whatever a text holds, it is shown and does nothing: everything is escaped here. An option's `value` is never
a reading, because Label Studio reads `$100` in a value as a place in the task's data.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from backend.label_studio.explanations import difference_in_words, doubts_in
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.keys import Key, Keyboard, line_keys
from backend.sheets.marks import as_html, marked, unlike
from backend.sheets.sheet_tasks import SheetLine, ShownLine
from backend.sheets.sheet_words import WORDS, SheetWords
from backend.sheets.strips import PageImage, strip
from backend.text.cleaning import visible_text


def shown(
    line: SheetLine,
    image: PageImage,
    *,
    page_name: str,
    explanation: str,
    messages: MessageLanguage,
    keyboard: Keyboard,
    read_as: Sequence[str] = (),
) -> ShownLine:
    """A line with what the editor shows of it.

    Args:
        line: with its place on the sheet, which decides about its keys.
        image: of its page, and the upright page's size.
        page_name: as people know it.
        explanation: what stands in the region's panel of page review (`meta.text`); empty for none.
        messages: the language that the annotator is spoken to in.
        keyboard: what is printed on the annotator's keys.
        read_as: what a line was read as that is shown without a text. It only says how a tall line stands.
    """
    sentences = [*_difference(line, messages), *doubts_in(explanation)]
    # each keeps its own direction
    why = " · ".join(f"<bdi>{escape(sentence)}</bdi>" for sentence in sentences)
    foot = f'<div class="why"><span class="page">{escape(visible_text(page_name))}</span>{why}</div>'
    picture = strip(image, np.array(line.quad), line.texts or read_as, WORDS[messages].missing)
    return ShownLine(line, picture + foot, _options(line, WORDS[messages], keyboard))


def _difference(line: SheetLine, messages: MessageLanguage) -> list[str]:
    """What differs between the readings in words; empty where only one text was read."""
    words = WORDS[messages]
    if line.audit:
        return [words.audit]
    a, b = visible_text(line.a), visible_text(line.b)
    if not a and not b:
        return [words.nothing]
    if not a or not b or a == b:
        return []
    return [words.unlike if unlike(a, b) else f"{words.differs}: {difference_in_words(a, b, messages)}"]


def _options(line: SheetLine, words: SheetWords, keyboard: Keyboard) -> tuple[dict[str, str], ...]:
    keys = line_keys(line.place, keyboard)
    first, second = (as_html(marks) for marks in marked(line.a, line.b))
    options = [
        _option("A", keys.first, "read", first) if line.a else None,
        _option("B", keys.second, "read", second) if line.b else None,
        _option("illegible", keys.illegible, "verdict", escape(words.illegible)),
        _option("not_text", keys.not_text, "verdict", escape(words.not_text)),
        _option("typed", keys.typed, "verdict", escape(words.typed_blind if line.audit else words.typed)),
    ]
    return tuple(option for option in options if option is not None)


def _option(alias: str, key: Key, kind: str, html: str) -> dict[str, str]:
    return {
        "value": alias,
        "alias": alias,
        "hotkey": key.hotkey,
        "html": f'<span class="answer"><kbd>{escape(key.caption)}</kbd>'
        f'<span class="{kind}" dir="auto">{html}</span></span>',
    }
