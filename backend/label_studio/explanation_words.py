"""The words of the explanations for annotators, in English and Russian, to be compared side by side."""

from __future__ import annotations

from dataclasses import dataclass

from backend.label_studio.message_language import MessageLanguage
from backend.page.lines import ReasonKind


@dataclass(frozen=True, slots=True)
class Words:
    """The wording in one language; {a} and {b} stand for a reason's two pieces."""

    nothing: str
    failed: str
    differs: str
    note: str
    why: str
    page: str
    more: str
    missing: str
    missing_space: str
    names: dict[str, tuple[str, str]]
    """Names of kinds of characters, in the singular and the plural."""
    unified: str
    by_hand: str
    kinds: dict[ReasonKind, str]


_ENGLISH = Words(
    nothing="(nothing read)",
    failed="(failed: {a})",
    differs="differs",
    note="note",
    why="why",
    page="page",
    more="and {a} more",
    missing="missing {a}",
    missing_space="missing space",
    names={
        "digit": ("digit", "digits"),
        "letter": ("letter", "letters"),
        "sign": ("sign", "signs"),
        "mixed": ("character", "characters"),
        "small": ("small letter", "small letters"),
        "capital": ("capital letter", "capital letters"),
    },
    unified="written in one script: {a} (was: {b})",
    by_hand="none that twinread knows, transcribe by hand",
    kinds={
        ReasonKind.LOOK_ALIKE: "{a} / {b}",
        ReasonKind.DIFFERENT: "{a} / {b}",
        ReasonKind.SPACING: "{a} / {b}",
        ReasonKind.CASE: "{a} / {b} (capitals)",
        ReasonKind.PUNCTUATION: "{a} / {b}",
        ReasonKind.ONLY_ONE_SAW_TEXT: "not every reader saw text here",
        ReasonKind.READER_FAILED: "a reader could not look: {b}",
        ReasonKind.ONE_READER: "only one reader has read it, nothing confirms it",
        ReasonKind.ONE_FAMILY: "only {a} reads it so, no other engine confirms it",
        ReasonKind.WEAK_EVIDENCE: "the readings agree, but on weak evidence: right with {a} % probability",
        ReasonKind.DISSENT: "reads otherwise",
        ReasonKind.NO_READER: "no installed reader can write the language {a}; any of these would: {b}",
        ReasonKind.TOO_LONG: "more characters than the box has room for",
        ReasonKind.REPEATS: "repeats itself: {a}",
        ReasonKind.ECHO: "repeats the reader's instructions, not the picture",
        ReasonKind.REFUSAL: "an excuse instead of a text",
        ReasonKind.MARKUP: "not from the picture, it seems: {a}",
        ReasonKind.WRONG_SCRIPT: "letters of another script than the project's language",
        ReasonKind.MIXED_SCRIPT: "letters of two scripts in one word: {a} ({b})",
        ReasonKind.TOO_SHORT: "far fewer characters than the box has ink for",
        ReasonKind.SAME_EVERYWHERE: "every line of the page reads {a}",
        ReasonKind.LOOK_ALIKE_ADDRESS: "an address in letters that only look Latin: {a}",
        ReasonKind.LETTER_AMONG_DIGITS: "a letter that looks like a digit: {a}",
        ReasonKind.BROKEN_NUMBER: "a number that looks broken: {a}",
        ReasonKind.EDGE_MARK: "{a} at the edge: a frame or a speck, perhaps",
        ReasonKind.HOUSE_STYLE: "written by the house rule: {b} (was: {a})",
        ReasonKind.DIGITS_ONLY: "digits only, no word confirms them: compare each with the picture",
        ReasonKind.UNSEEN: "a browser shows this line too faintly to be judged, as black on black or white "
        "on white; the readers saw it with more contrast",
        ReasonKind.MORE_PAGES: "only the first of the {a} pages (pictures) in this file was read; "
        "each other one needs a task of its own",
        ReasonKind.MORE_FRAMES: "only the first of the {a} frames of this moving picture was read",
        ReasonKind.TURNED: "the text stands turned by {a} degrees clockwise, and was read that way",
        ReasonKind.NOTHING_FOUND: "no line was found, although the page is not blank: draw the lines by hand",
        ReasonKind.NOT_SHOWN: "most browsers show no {a} file; if you see no picture, "
        "have the page saved as PNG",
    },
)

_RUSSIAN = Words(
    nothing="(ничего не прочитано)",
    # why is for those who run the reader, in English; it stands in `GET /status` and in the region's meta
    failed="(распознаватель не ответил)",
    differs="отличие",
    note="примечание",
    why="причина",
    page="страница",
    more="и ещё {a}",
    missing="пропущено {a}",
    missing_space="пропущен пробел",
    names={
        "Latin": ("латинская", "латинские"),
        "Cyrillic": ("кириллическая", "кириллические"),
        "Greek": ("греческая", "греческие"),
        "digit": ("цифра", "цифры"),
        "letter": ("буква", "буквы"),
        "sign": ("знак", "знаки"),
        "mixed": ("символ", "символы"),
        "small": ("строчная", "строчные"),
        "capital": ("прописная", "прописные"),
    },
    unified="записано одним алфавитом: {a} (было: {b})",
    by_hand="twinread таких не знает, введите текст вручную",
    kinds={
        ReasonKind.LOOK_ALIKE: "{a} / {b}",
        ReasonKind.DIFFERENT: "{a} / {b}",
        ReasonKind.SPACING: "{a} / {b}",
        ReasonKind.CASE: "{a} / {b} (прописные и строчные)",
        ReasonKind.PUNCTUATION: "{a} / {b}",
        ReasonKind.ONLY_ONE_SAW_TEXT: "текст увидели не все распознаватели",
        ReasonKind.READER_FAILED: "распознаватель не смог посмотреть: {b}",
        ReasonKind.ONE_READER: "прочитано только один раз, ничем не подтверждено",
        ReasonKind.ONE_FAMILY: "так читает только {a}, другой движок не подтверждает",
        ReasonKind.WEAK_EVIDENCE: "прочтения совпали, но доводы слабые: верно с вероятностью {a} %",
        ReasonKind.DISSENT: "читает иначе",
        ReasonKind.NO_READER: "ни один установленный распознаватель не пишет на языке {a}; подойдёт: {b}",
        ReasonKind.TOO_LONG: "символов больше, чем помещается в рамке",
        ReasonKind.REPEATS: "текст повторяет сам себя: {a}",
        ReasonKind.ECHO: "повторено задание распознавателю, а не картинка",
        ReasonKind.REFUSAL: "отговорка вместо текста",
        ReasonKind.MARKUP: "похоже, этого на картинке нет: {a}",
        ReasonKind.WRONG_SCRIPT: "буквы не той письменности, что у языка проекта",
        ReasonKind.MIXED_SCRIPT: "буквы двух алфавитов в одном слове: {a} ({b})",
        ReasonKind.TOO_SHORT: "символов намного меньше, чем видно в рамке",
        ReasonKind.SAME_EVERYWHERE: "в каждой строке страницы прочитано {a}",
        ReasonKind.LOOK_ALIKE_ADDRESS: "адрес буквами, которые только похожи на латинские: {a}",
        ReasonKind.LETTER_AMONG_DIGITS: "буква, похожая на цифру: {a}",
        ReasonKind.BROKEN_NUMBER: "число выглядит разорванным: {a}",
        ReasonKind.EDGE_MARK: "{a} с краю: возможно, линия рамки или пятно",
        ReasonKind.HOUSE_STYLE: "записано по принятому правилу: {b} (было: {a})",
        ReasonKind.DIGITS_ONLY: "только цифры, слова их не подтверждают: сверьте каждую с картинкой",
        ReasonKind.UNSEEN: "браузер показывает эту строку слишком бледно, чтобы её проверить (чёрное на "
        "чёрном или белое на белом); распознаватели видели её контрастнее",
        ReasonKind.MORE_PAGES: "прочитана только первая страница (картинка) этого файла, всего их {a}; "
        "для каждой другой нужна своя задача",
        ReasonKind.MORE_FRAMES: "прочитан только первый кадр этой движущейся картинки, всего их {a}",
        ReasonKind.TURNED: "текст повёрнут на {a} градусов по часовой стрелке и так прочитан",
        ReasonKind.NOTHING_FOUND: "строк не найдено, хотя страница не пуста: обведите строки вручную",
        ReasonKind.NOT_SHOWN: "большинство браузеров не показывает файлы {a}; если картинки не видно, "
        "попросите сохранить страницу как PNG",
    },
)

WORDS: dict[MessageLanguage, Words] = {"en": _ENGLISH, "ru": _RUSSIAN}
