"""Thirty doubtful lines, decided once in page review and once on sheets, by the same hands: keys and time.

Twenty-one times the first reading is right, eight times the second, once neither. Every key is pressed in
a real browser, those that mend a text, too: Home or End, arrows to the place, Backspace, letters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import readings_in
from backend.sheets.keys import line_keys
from backend.sheets.sheet_tasks import SheetLine, sheet_lines
from tests.end_to_end.browser import READY, WAIT_MS, Editor, Stage, signed_in
from tests.end_to_end.sheet_desk import READY as SHEET_READY
from tests.end_to_end.sheet_desk import SheetEditor
from tests.end_to_end.written_pages import Written

DOUBTFUL, PER_PAGE, SECOND_RIGHT, NEITHER = 30, 3, 8, 1

PHRASES = (
    "Накладная на молоко", "Хлеб ржаной формовой", "Сахар-песок, мешок", "Всего к выдаче",
    "Подпись бухгалтера", "Заявление отклонено", "Срок ответа месяц", "Адрес доставки груза",
    "Печать организации", "Главный бухгалтер", "Приложение к договору", "Опись вложения",
    "Квитанция утеряна", "Дата рождения отца", "Место составления", "Фамилия и отчество",
    "Проверено комиссией", "Выдано под расписку", "Остаток на складе", "Цена за килограмм",
    "Перевод с немецкого", "Список литературы", "Глава девятая", "Примечание редактора",
    "Опечатки исправлены", "Вход со двора", "Осторожно, ступенька", "Касса не работает",
    "Обед с часу до двух", "Билет до Тулы", "Общий вагон, место", "Прибытие поезда",
    "Камера хранения", "Справочное бюро", "Телефон дежурного", "Пожарный выход",
    "Курить воспрещается", "Звонить два раза", "Почта закрыта", "Марки и конверты",
    "Музей краеведения", "Экспонаты не трогать", "Фонд купца Рябова", "Дар неизвестного",
    "Копия верна", "Начальник архива", "Единиц хранения", "Листы подшиты",
    "Без права выноса", "Сдано в печать",
)  # fmt: skip
"""Thirty lines of these are doubtful, twenty are read alike twice."""


def misread(text: str, place: int) -> str:
    """The text with another letter at a place of its first word."""
    other = "ш" if text[place] != "ш" else "щ"
    return text[:place] + other + text[place + 1 :]


def planted() -> list[list[Written]]:
    """Ten pages, each of three doubtful lines and two that are read alike twice."""
    pages = []
    phrases = iter(PHRASES)
    for first in range(0, DOUBTFUL, PER_PAGE):
        lines = []
        for number in range(first, first + PER_PAGE):
            text = next(phrases)
            if number < NEITHER:
                lines.append(Written(text, misread(text, 2), misread(text, 1)))
            elif number % 4 == 1:
                lines.append(Written(text, misread(text, 2), text))
            else:
                lines.append(Written(text, text, misread(text, 2)))
        pages.append([*lines, Written(next(phrases)), Written(next(phrases))])
    return pages


TRUTH: Mapping[tuple[str, str], str] = {line.readings: line.text for page in planted() for line in page}
"""What is right, by both readings: what the hands see."""


@dataclass
class Hands:
    """A person's hands: every key is counted, and timed until the browser has drawn what came of it.

    keys: pressed to decide and submit.
    editing: pressed to mend texts.
    seconds: that the editor took for all of them, and to open what comes next.
    """

    page: Page
    keys: int = 0
    editing: int = 0
    seconds: float = 0.0

    def press(self, *keys: str) -> None:
        """Press keys that decide."""
        for key in keys:
            self.keys += 1
            self._press(key)

    def mend(self, before: str, text: str) -> None:
        """Make one text of another in the field that has the focus, with as few keys as a person needs."""
        same = _common(before, text)
        rest = _common(before[same:][::-1], text[same:][::-1])
        wrong = len(before) - same - rest
        # from the nearer end
        way = (
            ["Home", *["ArrowRight"] * (same + wrong)]
            if same + wrong < rest
            else ["End", *["ArrowLeft"] * rest]
        )
        for key in [*way, *["Backspace"] * wrong]:
            self.editing += 1
            self._press(key)
        for letter in text[same : len(text) - rest]:
            self.editing += 1
            with self._timed():
                self.page.keyboard.insert_text(letter)

    def submit(self, next_one: str) -> None:
        """Ctrl+Enter, and wait until the next task can be worked on.

        Args:
            next_one: JavaScript that says so.
        """
        self.keys += 1
        begin = time.perf_counter()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(next_one, timeout=WAIT_MS)
        self.seconds += time.perf_counter() - begin
        # the hotkeys are bound a moment after all is drawn, sooner than a person reads
        self.page.wait_for_timeout(300)

    def _press(self, key: str) -> None:
        with self._timed():
            self.page.keyboard.press(key)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.page.evaluate(DRAWN)
        self.seconds += time.perf_counter() - begin


DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Resolves when the browser has drawn a picture after all that was begun."""


def _common(one: str, other: str) -> int:
    """Letters in which two texts begin alike."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def review_pages(editor: Editor, project: int, pages: int) -> Hands:
    """Decide every doubtful line in page review, page by page, as docs/annotator.md says."""
    editor.open_stream(project)
    hands = Hands(editor.page)
    for number in range(pages):
        for _ in [region for region in editor.lines if "Check" in region.labels]:
            hands.press("Alt+Period")
            (selected,) = editor.selected
            (line,) = [region for region in editor.lines if region.id == selected]
            kept = readings_in(line)
            assert kept is not None
            first, second = (reading.text for reading in kept.readings)
            text = TRUTH[first, second]
            if text in (first, second):
                hands.press("1" if text == first else "5")
                continue
            hands.press("Enter")
            hands.mend(first, text)
            hands.press("Enter", "1")
        hands.submit(_other_task(editor, READY) if number + 1 < pages else DONE)
    return hands


def review_sheets(editor: SheetEditor, project: int, sheets: Mapping[int, Sequence[SheetLine]]) -> Hands:
    """Decide every line on its sheet."""
    editor.open_stream(project)
    hands = Hands(editor.page)
    for number in range(len(sheets)):
        for line in sheets[editor.task]:
            keys, text = line_keys(line.place, "en"), TRUTH[line.a, line.b]
            if text == line.a:
                hands.press(keys.first.hotkey)
            elif text == line.b:
                hands.press(keys.second.hotkey)
            else:
                hands.press(f"Shift+Digit{keys.first.caption}", "Tab")
                hands.mend(line.a, text)
                hands.press("Enter")
        hands.submit(_other_task(editor, SHEET_READY) if number + 1 < len(sheets) else DONE)
    return hands


@contextmanager
def person_at(stage: Stage, size: tuple[int, int] = (1280, 720)) -> Iterator[SheetEditor]:
    """The owner at a window of that size."""
    context = signed_in(stage.chromium, stage.label_studio, stage.label_studio.user, size=size)
    yield SheetEditor(context.new_page(), stage.label_studio.base_url)
    context.close()


def sheets_by_id(api: LabelStudio, project: int) -> dict[int, list[SheetLine]]:
    """The sheets of a line project, and the lines of each."""
    return {int(sheet["id"]): sheet_lines(sheet) for sheet in api.tasks(project)}


DONE = "() => !window.Htx?.annotationStore?.selected || document.body.innerText.includes('All tasks')"
"""The stream has no more tasks."""


def _other_task(editor: Editor, ready: str) -> str:
    return f"() => Htx.task?.id !== {editor.task} && ({ready})()"
