"""Takes off what a vision model puts around the words it read, such as quotes or a code fence.

A page can hold some of it, too, so all readings of a line are looked at together; the words never change.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from backend.text.cleaning import visible_text, without_invisible

NO_TEXT_MARK = "###"
"""The answer that our prompts ask for where there is no text."""

_PREFIX = regex.compile(
    r"""(?xi)^
    (?: (?:sure|certainly|of\ course|конечно)[,.!]?\s+ )?
    (?:
        (?:here(?:\ is|'s|’s)\s+)? (?:the\s+)?
        (?:(?:recogni[sz]ed|transcribed|extracted|visible|full|exact)\s+)?
        (?:text|transcription) (?:\s+(?:content|line))?
        (?:\s+(?:in|on|of|from|within|shown\ in)\s+(?:the|this)\s+(?:image|picture|photo|line|crop))?
        (?:\s+(?:is|reads|says|states)(?:\s+as\s+follows)?)?
      | (?:the\s+(?:image|picture|line)\s+(?:says|reads|shows|contains)(?:\s+the\s+text)?)
      | (?:вот\s+)? (?:(?:распознанный|извлеч[её]нный|весь)\s+)? текст
        (?:\s+(?:на|с|из|в)\s+(?:изображени[ияе]|картинк[еи]|строк[еи]|фото))?
      | (?:на\s+(?:изображении|картинке)\s+(?:написано|текст))
      | ocr (?:\s+(?:result|output|text))?
      | 文字[内內]容[为是為]? | 图片中的文字[内内]?容?[是为]?
    )
    \s*[:：]\s*(?=\S)"""
)
_ROLE = r"(?:assistant|model|user|system)"
CONTROL_TOKEN = (
    # a role's name follows the token that opens its turn
    rf"<\|im_start\|>(?:{_ROLE}\b)?|<start_of_turn>(?:{_ROLE}\b)?"
    r"|<\|box_start\|>[\d\s(),.\[\]]*<\|box_end\|>|<box>[\d\s(),.\[\]]*</box>|</?(?:ref|bbox|box)>"
    r"|<\|[\w▁ .:/-]{1,40}\|>|<｜[^｜<>]{1,40}｜>"
    r"|</?s>|<(?:eos|bos|pad|unk|eot|eod|end_of_turn|end_of_text)>|\[(?:/?INST|EOS|BOS|PAD)\]"
)
"""The pattern of a token by which a model or its server marks turns, ends and boxes."""

_FENCE = regex.compile(r"(?s)^(```+|~~~+)[^\n`]*\n(.*?)\n?\s*\1$")
_TEX_TEXT = regex.compile(
    r"(?s)^\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname)\{([^{}\\]*)\}$"
)
_CODE_AND_TEX = (("```", "```"), ("`", "`"), ("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"))
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"))

# an introduction that no page would print: it speaks of the picture, of transcribing, or to somebody
_OF_THE_PICTURE = regex.compile(
    r"(?i)\n|image|picture|photo|crop|recogni|transcribed|extracted|visible|sure\b|certainly|of course"
    r"|изображени|картинк|фото|распознан|извлеч|конечно|图片"
)
_LABEL = regex.compile(r"(?i)(?:text|текст|ocr|transcription)\s*[:：]\s*")
_SENTENCE = regex.compile(
    r"""(?xi)^
    (?: (?:the\s+)? text \s+ (?:in|on|of|from|shown\ in) \s+ (?:the|this)
        \s+ (?:image|picture|photo|line|crop) \s+ (?:is|reads|says|states)
      | the\s+(?:image|picture|photo) \s+ (?:shows|contains|has|says|reads) (?:\s+ the\s+ (?:text|words?))?
        (?= \s* ["'“‘«] )
      | (?:текст\s+)? на\s+(?:изображении|картинке|фото) (?:\s+написано | \s+ — | (?= \s* ["'“‘«]))
    ) \s+ (?=\S)"""
)
_NOTE = regex.compile(r"(?si)(?:\n\s*|\s+)[*_]*[(\[]\s*(?:note|примечание)\s*[:：][^()\[\]]*[)\]][*_]*$")
_NOTE_BELOW = regex.compile(r"(?si)\n\s*[*_]*(?:note|примечание)[*_]*\s*[:：].*$")
_TAGS = "p|div|span|b|i|u|em|strong|mark|center|h[1-6]|answer|text|output|result|transcription|ocr|body|html"
_ELEMENT = regex.compile(rf"(?si)^<({_TAGS})\b[^<>]*>\s*(.*?)\s*</\1>$")
_IMAGE = regex.compile(
    r"(?i)^(?:!\[[^\]]*\]\([^)]*\)|<img\b[^<>]*>)\s*|\s*(?:!\[[^\]]*\]\([^)]*\)|<img\b[^<>]*>)$"
)
_ENTITY = regex.compile(
    r"&(?:quot|amp|lt|gt|apos|nbsp|laquo|raquo|[lr][ds]quo|[mn]dash|hellip|#\d{2,6}|#x[\da-fA-F]{2,5});"
)
_HEADING = regex.compile(r"^#{1,6} +(?=\S)(.*?)(?: +#+)?$")
_BOLD = regex.compile(r"\*\*(?=[^\s*])([^*]*[^\s*])\*\*|(?<!\w)__(?=[^\s_])([^_]*[^\s_])__(?!\w)")
_TEXT_FIELDS = ("text", "transcription", "content", "ocr", "ocr_text", "result", "answer", "line", "output")

_SIGNS = {
    "introduction": regex.compile(
        r"(?i)^(?:(?:sure|certainly)\b|(?:here\b.{0,20})?(?:the )?(?:text|transcription)\b.*:)"
    ),
    "sentence": regex.compile(
        r"(?i)^the (?:image|picture|photo|text)\b|^(?:текст )?на (?:изображ|картин|фото)"
    ),
    "JSON": regex.compile(r"^[{\[]"),
    "tag": regex.compile(rf"(?i)</?(?:{_TAGS}|br)\b[^<>]*>"),
    "image": regex.compile(r"(?i)!\[|<img\b"),
    "entity": _ENTITY,
    "heading": regex.compile(r"^#"),
    "bold": regex.compile(r"\*\*|__"),
    "note": regex.compile(r"(?i)[(\[]\s*(?:note|примечание)\s*[:：]"),
    "quotes": regex.compile(r"^[\"'“”„‟«‘’`]|[\"'”“»’`]$"),
}
"""By kind of wrapping: what another reading holds where the page itself may hold such wrapping."""
_CERTAIN = "certain"
_LABELLED = "label"
_PRINTED = (_LABELLED, "quotes")
"""Kinds that pages hold, too: where every reading has them, they are the page's own."""


def unwrapped(answers: Sequence[str], wraps: Sequence[bool] = ()) -> list[str]:
    r"""Take off what vision models wrap around the words, where it is certain or no other reading has it.

    Certain is what no page holds around a whole line: a code fence or backticks; `\(…\)`, `\[…\]`, `$$…$$`
    and `\text{…}`, and `$…$` where it cannot be money; an introduction that speaks of the picture ("The text
    in the image is:"), or whose text begins a new line; a note below the text. Only where no other reading
    of the line has the like: quotes, ASCII or “curly” or ‘curly’, when the same marks do not occur inside;
    another introduction or a label ("Текст:", "OCR:"); JSON; a tag (`<p>`, `<answer>`) or entity
    (`&quot;`); a Markdown heading, bold or image; "(Note: …)". So a quote that stands on the page and in both
    readings stays. Never taken off: «guillemets», „low quotes“ and 「corners」, which belong to the text.

    Args:
        answers: all readings of one line, as `answer_of` gives them; empty where there is none.
        wraps: which of them vision models gave; none but these change. Empty: all of them. Recognisers such
            as PaddleOCR's or Tesseract's wrap nothing.

    Returns:
        The words, for each answer, in NFC with plain spaces; empty for "no text". Idempotent.
    """
    texts = list(answers)
    able = list(wraps) or [True] * len(texts)
    while True:
        layers = [_layer(text) if can else None for text, can in zip(texts, able, strict=True)]
        loose = {
            at: layer
            for at, layer in enumerate(layers)
            if layer is not None
            and not any(other and _has_the_like(other, layer) for other in texts[:at] + texts[at + 1 :])
        }
        # quotes and labels last: they are compared with what is inside the other readings' wrapping
        now = {at: layer for at, layer in loose.items() if layer.kind not in _PRINTED} or loose
        for at, layer in now.items():
            texts[at] = layer.inside
        if not now:
            # fences are recognised by their line breaks, so these become spaces only after all unwrapping
            folded = [visible_text(text) if can else text for text, can in zip(texts, able, strict=True)]
            if folded == texts:
                return [
                    "" if can and text == NO_TEXT_MARK else text
                    for text, can in zip(texts, able, strict=True)
                ]
            texts = folded


def wrapping_in(text: str) -> str:
    """What is left in a text of a model's wrapping, such as `<p>`; empty where there is nothing.

    Quotes and labels do not count: pages hold them, too.
    """
    if token := regex.search(CONTROL_TOKEN, text):
        return str(token[0])
    layer = _layer(text)
    if layer is None or layer.kind in _PRINTED:
        # what `_layer` leaves alone, because nothing would be left without it
        alone = _IMAGE.fullmatch(text)
        return str(alone[0]).strip() if alone else ""
    sign = _SIGNS.get(layer.kind)
    found = sign.search(text) if sign else None
    return str(found[0]) if found else layer.kind


@dataclass(frozen=True, slots=True)
class _Layer:
    """The outermost wrapping of a text.

    kind: certain, or a name in `_SIGNS`, or a label.
    inside: the text without it.
    sign: of a label, its first word.
    """

    kind: str
    inside: str
    sign: str = ""


def _has_the_like(other: str, layer: _Layer) -> bool:
    """Whether another reading of the line may show that the wrapping is on the page."""
    if layer.kind == _CERTAIN:
        return False
    if layer.kind == _LABELLED:
        return other.casefold().startswith(layer.sign.casefold())
    return _SIGNS[layer.kind].search(other) is not None


def _layer(text: str) -> _Layer | None:
    """The outermost wrapping of a text; None where it has none, or where nothing would be left."""
    layer = _found_layer(text.strip())
    if layer is None or (layer.kind != "quotes" and layer.kind != _CERTAIN and not layer.inside.strip()):
        return None
    return layer


def _found_layer(text: str) -> _Layer | None:
    if introduction := _PREFIX.match(text):
        return _introduced(text, introduction)
    if sentence := _SENTENCE.match(text):
        return _Layer("sentence", _quoted(text[sentence.end() :]))
    if (code := _code(text)) is not None:
        return _Layer(_CERTAIN, code)
    if note := _NOTE_BELOW.search(text) or _NOTE.search(text):
        return _Layer(_CERTAIN if "\n" in note[0] else "note", text[: note.start()])
    for opening, closing in _QUOTES:
        if (inside := _inside(text, opening, closing)) is not None:
            return _Layer("quotes", inside.strip())
    return _markup(text)


def _introduced(text: str, introduction: regex.Match[str]) -> _Layer:
    words, rest = introduction[0], text[introduction.end() :]
    if _LABEL.fullmatch(words) and "\n" not in words:
        return _Layer(_LABELLED, rest, regex.findall(r"\w+", words)[0])
    kind = _CERTAIN if _OF_THE_PICTURE.search(words) else "introduction"
    return _Layer(kind, _quoted(rest))


def _quoted(rest: str) -> str:
    """What follows a model's own words: it quotes what it read, and ends its sentence."""
    # in 'The text is: "Счёт".' the full stop ends the model's sentence, not the line
    bare = rest[:-1] if regex.search(r"[\"”'’`]\.$", rest) else rest
    inside = (_inside(bare, opening, closing) for opening, closing in _QUOTES)
    return next((text.strip() for text in inside if text is not None), bare)


def _code(text: str) -> str | None:
    """The inside of code or TeX around the whole."""
    if fence := _FENCE.match(text):
        return str(fence[2])
    if tex := _TEX_TEXT.match(text):
        return str(tex[1])
    for opening, closing in _CODE_AND_TEX:
        if (inside := _inside(text, opening, closing)) is not None:
            return inside.strip()
    formula = _inside(text, "$", "$")
    # "$5" to "7$" is money at both ends
    if formula and ("\\" in formula or not regex.search(r"^\s*[\d.,-]|[\d.,]\s*$", formula)):
        return formula.strip()
    return None


def _markup(text: str) -> _Layer | None:
    """JSON, HTML or Markdown around or in the text."""
    if (value := _json_text(text)) is not None:
        return _Layer("JSON", value)
    if _IMAGE.search(text):
        return _Layer("image", _IMAGE.sub("", text))
    if element := _ELEMENT.match(text):
        return _Layer("tag", str(element[2]))
    if _ENTITY.search(text):
        return _Layer("entity", _ENTITY.sub(lambda entity: html.unescape(entity[0]), text))
    if (heading := _HEADING.match(text)) and text != NO_TEXT_MARK:
        return _Layer("heading", str(heading[1]))
    if _BOLD.search(text):
        return _Layer("bold", _BOLD.sub(lambda bold: bold[1] or bold[2], text))
    return None


def _json_text(text: str) -> str | None:
    """The one text in a JSON object or list."""
    if not text.startswith(("{", "[")) or not text.endswith(("}", "]")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        named = [value[name] for name in _TEXT_FIELDS if isinstance(value.get(name), str)]
        texts = named or [each for each in value.values() if isinstance(each, str)]
        value = texts[0] if len(texts) == 1 else None
    return without_invisible(value) if isinstance(value, str) and value.strip() else None


def _inside(text: str, opening: str, closing: str) -> str | None:
    if len(text) < len(opening) + len(closing) or not (text.startswith(opening) and text.endswith(closing)):
        return None
    inside = text[len(opening) : -len(closing)]
    return None if opening in inside or closing in inside or ("$" in inside and opening == "$$") else inside
