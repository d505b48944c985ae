"""An annotator decides lines on sheets by keyboard, in a real browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext

from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.page import crops, image_files
from backend.page.lines import Pixels
from backend.sheets.keys import MAX_LINES, line_keys
from backend.sheets.strips import AROUND, ENDS
from tests.end_to_end.browser import Stage, signed_in
from tests.end_to_end.sheet_desk import Doubt, LineProject, SheetEditor, line_project, only
from tests.end_to_end.written_pages import Written, WrittenPage, write
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import sample
from tests.parts.sheet_projects import lines as make_lines

pytestmark = LABEL_STUDIO

LINES = (
    "Накладная № 1047", "Молоко 3,2 % жирности", "Сахар-песок", "Итого к оплате", "Подпись кассира",
    "Заявление принято", "Срок ответа 30 дней", "Ёлка № 5", "Хлеб ржаной", "Адрес доставки",
)  # fmt: skip


def misread(text: str) -> str:
    """The text without its fourth letter."""
    return text[:3] + text[4:]


@dataclass
class Desk:
    """Label Studio, a browser in which its owner is signed in, and pages written for a test."""

    api: LabelStudio
    base_url: str
    chromium: Browser
    context: BrowserContext
    folder: Path
    numbers: Iterator[int]

    def page(self, *lines: Written | str, language: str = "ru", height: int = 900) -> WrittenPage:
        written = [line if isinstance(line, Written) else Written(line) for line in lines]
        path = self.folder / f"sheet-page-{next(self.numbers)}.png"
        return write(self.chromium, path, written, language, height)

    def project(self, *sheets: Sequence[Doubt], **options: Any) -> LineProject:
        return line_project(self.api, *sheets, **options)


@pytest.fixture(scope="session")
def desk(
    label_studio: RunningLabelStudio, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    context = signed_in(chromium, label_studio, label_studio.user, size=(1280, 720))
    folder = tmp_path_factory.mktemp("sheets")
    yield Desk(label_studio.api(), label_studio.base_url, chromium, context, folder, count(1))
    context.close()


@pytest.fixture
def editor(desk: Desk, request: pytest.FixtureRequest) -> Iterator[SheetEditor]:
    page = desk.context.new_page()
    editor = SheetEditor(page, desk.base_url)
    yield editor
    editor.picture("sheet_" + re.sub(r"[^\w-]+", "_", request.node.name).removeprefix("test_")[:110])
    page.evaluate("() => localStorage.clear()")
    page.close()


def doubts(page: WrittenPage, *seconds: str) -> list[Doubt]:
    """Every line of a page: read rightly, and as `seconds` say or with a letter missing."""
    others = [*seconds, *(misread(line.text) for line in page.lines[len(seconds) :])]
    return [
        Doubt(line.text, other, page.path, quad)
        for line, other, quad in zip(page.lines, others, page.quads, strict=True)
    ]


def test_one_key_decides_a_line_and_the_next_one_stands_at_the_top(desk: Desk, editor: SheetEditor) -> None:
    project = desk.project(doubts(desk.page(*LINES)), doubts(desk.page("Второй лист")))
    editor.open_stream(project.id, instructions=False)
    assert editor.whole[:2] == [0, 1]

    for key, top in (("2", 0), ("1", 2), ("e", 3), ("f", 4), ("b", 5)):
        editor.press(key)
        assert editor.top == top
    assert editor.block(2).locator("svg.strip").count() == 1
    assert not editor.block(2).locator("svg.strip").is_visible()
    assert editor.block(2).inner_text().split() == ["E", *misread(LINES[2]).split()]
    editor.press("6", "7", "8", "9", "0")
    assert editor.whole == []
    stored = editor.submit()

    assert len(editor.count()) == 11
    said = {answer["from_name"]: only(answer) for answer in stored["result"]}
    verdicts = ["A", "A", "B", "illegible", "not_text", "A", "A", "A", "A", "A"]
    assert said == {f"verdict_{place}": verdict for place, verdict in enumerate(verdicts)}
    editor.wait_for(lambda: editor.task == project.sheets[1], "the next sheet is open")


def test_every_key_decides_its_own_line(desk: Desk, editor: SheetEditor) -> None:
    project = desk.project(doubts(desk.page(*LINES)))
    editor.open_stream(project.id, instructions=False)
    verdicts = ("A", "B", "illegible", "not_text", "typed")
    seen = []
    for place in range(MAX_LINES):
        keys = line_keys(place, "en")
        for field, verdict in zip(fields(keys), verdicts, strict=True):
            hotkey: str = getattr(keys, field.name).hotkey
            editor.press(hotkey.replace("shift+", "Shift+Digit"))
            seen.append((place, verdict, editor.answers.get(f"verdict_{place}")))
    assert [said for _, _, said in seen] == [verdict for _, verdict, _ in seen]


def test_a_key_again_takes_the_answer_back(desk: Desk, editor: SheetEditor) -> None:
    project = desk.project(doubts(desk.page(*LINES[:3])))
    editor.open_stream(project.id, instructions=False)
    editor.press("1")
    assert (editor.top, editor.answers) == (1, {"verdict_0": "A"})
    editor.press("1")
    assert (editor.top, editor.answers) == (0, {})


def test_a_russian_keyboard_works_as_it_is_printed(desk: Desk, editor: SheetEditor) -> None:
    project = desk.project(doubts(desk.page(*LINES[:2])), messages="ru", keyboard="ru")
    editor.open_stream(project.id, instructions=False)
    assert [text.strip() for text in editor.block(1).locator("kbd").all_inner_texts()] == [
        "2", "Ц", "Ы", "Ч", "⇧2",
    ]  # fmt: skip
    # what a keyboard in Russian sends for the key that is W in English
    editor.page.evaluate(
        "() => document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'ц', code: 'KeyW', keyCode: 87, bubbles: true}))"
    )
    editor.wait_for(lambda: editor.answers == {"verdict_1": "B"}, "the second reading is chosen")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        pytest.param("en", "A line of this sheet is not decided", id="English"),
        pytest.param("ru", "Одна из строк этого листа не решена", id="Russian"),
    ],
)
def test_an_undecided_line_refuses_submit_and_nothing_is_typed_for_anybody(
    desk: Desk, editor: SheetEditor, messages: MessageLanguage, words: str
) -> None:
    project = desk.project(doubts(desk.page(*LINES[:4])), messages=messages)
    editor.open_stream(project.id, instructions=False)
    editor.press("1", "2", "4", "Control+Enter")
    assert words in editor.warning
    editor.page.keyboard.press("Escape")
    editor.page.locator(".ant-modal-confirm-content").wait_for(state="hidden")
    assert editor.top == 2

    editor.press("Shift+Digit3")
    assert editor.block(2).locator("svg.strip").is_visible(), "who wants to type still sees the line"
    editor.press("Shift+Digit3", "3")
    stored = editor.submit()
    assert {answer["from_name"]: only(answer) for answer in stored["result"]} == {
        f"verdict_{place}": "A" for place in range(4)
    }


def test_after_a_refused_submit_a_text_can_still_be_typed(desk: Desk, editor: SheetEditor) -> None:
    # Label Studio then takes what stands in each field, also in those that nobody opened, for typed
    project = desk.project(doubts(desk.page(*LINES[:3])))
    editor.open_stream(project.id, instructions=False)
    editor.press("Control+Enter")
    editor.page.keyboard.press("Escape")
    editor.page.locator(".ant-modal-confirm-content").wait_for(state="hidden")

    editor.press("1", "Shift+Digit2")
    assert editor.answers["typed_1"] == LINES[1]
    typed = editor.block(1).locator(".lsf-textarea__region")
    assert editor.block(1).locator("svg.strip").is_visible()
    typed.hover()
    typed.get_by_role("button", name="Edit Region").click()
    editor.page.keyboard.press("End")
    editor.type("!")
    editor.press("Enter", "3")
    stored = editor.submit()
    assert {answer["from_name"]: only(answer) for answer in stored["result"]} == {
        "verdict_0": "A", "verdict_1": "typed", "typed_1": f"{LINES[1]}!", "verdict_2": "A",
    }  # fmt: skip


def test_a_text_is_mended_with_a_rare_letter_at_the_cursor(desk: Desk, editor: SheetEditor) -> None:
    page = desk.page("Ёлка № 5", "Сахар-песок", "Хлеб")
    first = Doubt("лка № 5", "Елка № 5", page.path, page.quads[0])
    project = desk.project([first, *doubts(page)[1:]], languages=["ru"])
    editor.open_stream(project.id, instructions=False)

    editor.press("Shift+Digit1", "Tab")
    editor.page.keyboard.press("Home")
    palette = editor.block(0).locator("[data-shortcut]")
    assert palette.all_inner_texts()[:4] == ["ё", "Ё", "«", "»"]
    palette.nth(1).click()
    editor.type("")
    editor.press("Enter")
    assert editor.answers["typed_0"] == "Ёлка № 5"
    assert editor.top == 1
    assert editor.block(0).locator("svg.strip").is_visible(), (
        "what was typed can be compared with the picture"
    )

    editor.press("Shift+Digit2", "Tab", "End")
    editor.type("!")
    editor.press("Enter", "3")
    stored = editor.submit()
    assert {answer["from_name"]: only(answer) for answer in stored["result"]} == {
        "verdict_0": "typed", "typed_0": "Ёлка № 5", "verdict_1": "typed", "typed_1": "Сахар-песок!",
        "verdict_2": "A",
    }  # fmt: skip


def test_thirty_lines_cost_35_keys_and_the_editing(desk: Desk, editor: SheetEditor) -> None:
    page = desk.page(*LINES)
    project = desk.project(doubts(page), doubts(page), doubts(page))
    editor.open_stream(project.id, instructions=False)
    for number, sheet in enumerate(project.sheets):
        editor.wait_for(lambda sheet=sheet: editor.task == sheet, "the next sheet is open")
        editor._wait_until_ready()
        for place in range(MAX_LINES):
            keys = line_keys(place, "en")
            if (number, place) == (1, 4):
                editor.press("Shift+Digit5", "Tab")
                editor.type("Подпись кассира И.")
                editor.press("Enter")
            else:
                # of ten lines, the first reading of seven is right
                editor.press((keys.first if place < 7 else keys.second).hotkey)
        editor.submit()
    assert len(editor.count()) == 35


def test_the_doubtful_lines_of_pages_that_were_read_come_onto_a_sheet_with_their_pictures(
    stage: Stage, desk: Desk, editor: SheetEditor, tmp_path: Path
) -> None:
    written = stage.page(
        "Хлеб подовый",
        Written("Накладная № 1047", second="Накладная № 1041"),
        Written("Мука в мешках", second=""),
        Written("Наклонная строка", second="Наклонная стрка", turned=6),
    )
    pages, _ = stage.project(written)
    config = LabelingConfig.parse(str(desk.api.project(pages.id)["label_config"]))
    made = make_lines(desk.api, pages.id, tmp_path, config)
    assert made.line_project is not None
    editor.open_stream(made.line_project.project)

    shown = {}
    for place in range(editor.page.locator(".block").count()):
        first, *_ = editor.block(place).locator(".read").all_inner_texts()
        shown[first] = editor.block(place).locator(".why bdi").all_inner_texts()
        strip = editor.strip(place)
        middle = strip[strip.shape[0] // 3 : -strip.shape[0] // 3]
        assert middle.min() < 80 < 200 < middle.max(), f"the strip of {first!r} shows letters on paper"
    assert shown == {
        "Накладная № 1047": ["differs: 7 / 1"],
        "Мука в мешках": ["not every reader saw text here"],
        "Наклонная строка": ["differs: missing о"],
    }


def test_a_person_can_have_submit_on_the_space_bar(desk: Desk, label_studio: RunningLabelStudio) -> None:
    project = desk.project(doubts(desk.page("Хлеб")))
    context = signed_in(desk.chromium, label_studio, "space@example.org", "Space-bar-2026", size=(1280, 720))
    editor = SheetEditor(context.new_page(), desk.base_url)
    editor.page.goto(f"{desk.base_url}/user/account/hotkeys")
    editor.page.get_by_text("Submit Annotation").wait_for()
    # what "Save" on that page sends
    status = editor.page.evaluate(
        "async () => { const token = document.cookie.match(/csrftoken=([^;]+)/)[1];"
        " const chosen = {'annotation:annotation:submit': {key: 'space', active: true}};"
        " const answer = await fetch('/api/current-user/hotkeys/', {method: 'PATCH',"
        " headers: {'Content-Type': 'application/json', 'X-CSRFToken': token},"
        " body: JSON.stringify({custom_hotkeys: chosen})}); return answer.status }"
    )
    assert status == 200
    editor.open_stream(project.id, instructions=False)
    editor.press("1")
    with editor.page.expect_response(lambda answer: "/annotations" in answer.url and answer.status == 201):
        editor.press("Space")
    context.close()


# What the strips show


def inner(strip: Pixels, *, upright: bool, ratio: float) -> Pixels:
    """What stands between the rules of a strip, without the page around the line.

    Args:
        strip: the whole of it.
        upright: the line runs downwards.
        ratio: of the line's length and its height.
    """
    if upright:
        return np.rot90(inner(np.ascontiguousarray(np.rot90(strip)), upright=False, ratio=ratio), -1)
    height, width = strip.shape[:2]
    line = height / (1 + 2 * AROUND)
    end = width * ENDS / (ratio + 2 * ENDS)
    # a rule lies on each edge
    return strip[round(AROUND * line) + 2 : round((1 + AROUND) * line) - 2, round(end) : round(width - end)]


def likeness(shown: Pixels, crop: Pixels) -> float:
    """How much two pictures are alike, -1 to 1: the correlation of their grey levels at a coarse size."""
    if shown.shape[0] > shown.shape[1]:
        shown, crop = np.rot90(shown), np.rot90(crop)
    small = [
        cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), (80, 12), interpolation=cv2.INTER_AREA).astype(
            float
        )
        for each in (np.ascontiguousarray(shown), np.ascontiguousarray(crop))
    ]
    return float(np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1])


def turned_page(desk: Desk, quarters: int) -> tuple[Path, Any]:
    """A page with a line, turned to the left by so many quarters; and the line's quad in reading order."""
    page = desk.page("Перевёрнутая страница письма", height=300)
    pixels = image_files.decode(page.path.read_bytes(), max_pixels=10**8).pixels
    (quad,) = page.quads
    for _ in range(quarters):
        # a quarter to the left: x, y -> y, width - x
        quad = np.stack([quad[:, 1], pixels.shape[1] - quad[:, 0]], axis=1)
        pixels = np.rot90(pixels)
    path = desk.folder / f"turned-{quarters}.png"
    path.write_bytes(image_files.encode(np.ascontiguousarray(pixels), "png"))
    return path, quad


def inline_page(desk: Desk, text: str) -> Doubt:
    """A line of a page whose image is written into its task."""
    page = desk.page(text, height=140)
    pixels = np.ascontiguousarray(
        image_files.decode(page.path.read_bytes(), max_pixels=10**8).pixels[:, :220]
    )
    path = desk.folder / "inline.png"
    path.write_bytes(image_files.encode(pixels, "png"))
    address = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    return Doubt(text, misread(text), path, page.quads[0], address=address)


def vertical_page(desk: Desk, text: str) -> tuple[Path, Any]:
    page = desk.chromium.new_page(viewport={"width": 500, "height": 800})
    page.set_content(
        "<body style='background:#fff'><div style='position:absolute; top:60px; left:300px;"
        f' writing-mode:vertical-rl; white-space:pre; font:34px/46px "WenQuanYi Micro Hei"\'>{text}</div>'
    )
    x, y, width, height = page.evaluate(
        "() => { const box = document.querySelector('div').getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height] }"
    )
    path = desk.folder / "vertical.png"
    page.screenshot(path=path)
    page.close()
    return path, [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]


def test_strips_show_the_pixels_of_the_crop_level_and_upright(desk: Desk, editor: SheetEditor) -> None:
    level = desk.page("Накладная № 1047", Written("Наклонная строка письма", turned=8))
    arabic = desk.page("نزل المطر طوال الليل حتى فاض النهر", language="ar")
    thai = desk.page("ขนมปังอบใหม่ทุกวันแต่แปดโมงเช้า", language="th")
    vertical, column = vertical_page(desk, "春天的雨下了很久")
    exif = sample("syn_051")
    sheet = [
        *doubts(level),
        *doubts(arabic),
        *doubts(thai),
        Doubt("春天的雨下了很久", "春天的面下了很久", vertical, column),
        *(
            Doubt(
                "Перевёрнутая страница письма", "Перевёрнутая страница письмо", *turned_page(desk, quarters)
            )
            for quarters in (1, 2, 3)
        ),
        Doubt("письмами.", "письмамн.", exif.path, exif.lines[1]["poly"]),
        inline_page(desk, "Хлеб"),
    ]
    project = desk.project(sheet)
    editor.page.set_viewport_size({"width": 1280, "height": 2220})
    editor.open_stream(project.id, instructions=False)
    editor.page.wait_for_load_state("networkidle")

    for number, doubt in enumerate(sheet):
        corners = np.array(doubt.quad, np.float32)
        pixels = image_files.decode(doubt.page.read_bytes(), max_pixels=10**8).pixels
        upright = doubt.page == vertical
        crop = crops.crop_line(pixels, corners, "never" if upright else "auto")
        ratio = max(crop.shape[:2]) / min(crop.shape[:2])
        seen = inner(editor.strip(number), upright=upright, ratio=ratio)
        assert (seen.shape[0] > seen.shape[1]) is upright
        alike, over = likeness(seen, crop), likeness(seen, crop[::-1, ::-1])
        assert alike > 0.85, f"{doubt.page.name}: {alike:.2f}"
        assert over < 0.6, "another picture is not taken for this one"


def test_a_page_that_cannot_be_shown_says_so_in_its_strip(desk: Desk, editor: SheetEditor) -> None:
    page = desk.page("Накладная № 1047", height=140)
    there, gone = (
        Doubt("Накладная № 1047", "Накладная № 1O47", page.path, page.quads[0]),
        Doubt(
            "Накладная № 1047", "Накладная № 1O47", desk.folder / "gone.png", page.quads[0], address="/no.png"
        ),
    )
    (desk.folder / "gone.png").write_bytes(page.path.read_bytes())
    project = desk.project([there, gone])
    editor.open_task(project.id, project.sheets[0])

    def reddish(place: int) -> int:
        strip = editor.strip(place).astype(int)
        return int(((strip[..., 0] > 150) & (strip[..., 1] < 90) & (strip[..., 2] < 90)).sum())

    assert reddish(0) == 0
    assert reddish(1) > 300


def test_a_long_line_is_read_in_strips_under_each_other(desk: Desk, editor: SheetEditor) -> None:
    page = desk.chromium.new_page(viewport={"width": 3000, "height": 100})
    text = " ".join(f"слово{number}" for number in range(1, 27))
    page.set_content(
        "<body style='background:#fff'><div style='position:absolute; top:30px; left:20px; white-space:pre;"
        f' font:24px/32px "DejaVu Sans"\'>{text}</div>'
    )
    width = page.evaluate("() => document.querySelector('div').offsetWidth")
    path = desk.folder / "long.png"
    page.screenshot(path=path)
    page.close()
    quad = np.array([[20, 30], [20 + width, 30], [20 + width, 62], [20, 62]], np.float32)
    project = desk.project([Doubt(text, misread(text), path, quad)])
    editor.open_stream(project.id, instructions=False)

    assert editor.whole == [0]
    assert editor.block(0).locator("svg.strip").count() == 3
    pixels = image_files.decode(path.read_bytes(), max_pixels=10**8).pixels
    for part in range(3):
        third = slice(round(20 + part * width / 3), round(20 + (part + 1) * width / 3))
        seen = inner(editor.strip(0, part), upright=False, ratio=width / 3 / 32)
        assert likeness(seen, pixels[30:62, third]) > 0.9


def test_arabic_runs_from_the_right_in_the_readings_and_in_the_field(desk: Desk, editor: SheetEditor) -> None:
    page = desk.page("فاتورة ضريبية مبسطة", language="ar")
    project = desk.project([Doubt("فاتورة ضريبية مبسطة", "فاتورة ضريبة مبسطة", page.path, page.quads[0])])
    editor.open_stream(project.id, instructions=False)
    ends = editor.page.evaluate(
        "() => [...document.querySelectorAll('.read')].map(read => { const at = (node, from, to) => {"
        " const range = document.createRange(); range.setStart(node, from); range.setEnd(node, to);"
        " return range.getBoundingClientRect().x };"
        " const last = read.lastChild; const long = last.textContent.length;"
        " return [at(read.firstChild, 0, 1), at(last, long - 1, long)] })"
    )
    assert all(first > last for first, last in ends)
    assert editor.block(0).locator("mark").all_inner_texts() == ["ي", "بة"]
    editor.press("Shift+Digit1", "Tab")
    # the caret at the start of the text stands at the right
    field = editor.block(0).locator("input[name=typed_0]")
    assert field.evaluate("field => getComputedStyle(field).unicodeBidi") == "plaintext"


# What must not happen

HOSTILE = (
    "</span></div><script>window.broken = 1</script>",
    "<img src=x onerror='window.broken = 1'>",
    '"\' onmouseover="window.broken = 1" x=\'',
    "{{idx}} $lines[0].b $100 ${lines} {{lines}}",
    "&lt;b&gt; &amp;amp; &#39;",
    "a\x00b\x07c\x1b[31md\u202ee\u200bf",
    "<style>.block { display: none }</style>",
    "<textarea><option><svg/onload=window.broken=1>",
    "длинная строка " * 333,
    "null",
)


def test_no_reading_breaks_a_sheet(desk: Desk, editor: SheetEditor) -> None:
    page = desk.page(*LINES)
    sheet = [
        Doubt(text, f"{text}!", page.path, quad, explanation=f"why: {text}")
        for text, quad in zip(HOSTILE, page.quads, strict=True)
    ]
    project = desk.project(sheet)
    errors: list[str] = []
    editor.page.on("pageerror", lambda error: errors.append(str(error)))
    editor.page.on("dialog", lambda dialog: errors.append(dialog.message))
    editor.open_stream(project.id, instructions=False)

    assert editor.page.locator(".block").count() == 10
    hostile = ".block img:not(.missing), .block script, .block style, .block iframe"
    assert editor.page.locator(hostile).count() == 0
    for place, text in enumerate(HOSTILE):
        visible = re.sub("[\x00\x07\x1b\u202e\u200b]", "", text).strip()
        assert editor.block(place).locator(".read").first.inner_text().strip() == visible
        assert editor.block(place).locator("input[name^=typed_]").input_value() == text
    assert max(editor.block(place).bounding_box()["height"] for place in range(10)) < 500  # type: ignore[index]
    editor.press(*"1234567890")
    stored = editor.submit()
    assert [only(answer) for answer in stored["result"]] == ["A"] * 10
    assert errors == []
    assert editor.page.evaluate("() => window.broken") is None


# At the size and in the colours that annotators have


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """Of two colours, as WCAG 2.1 defines it: 1 to 21. RGB, 0 to 255."""

    def luminance(colour: Sequence[float]) -> float:
        parts = [level / 255 for level in colour]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def ink_and_ground(picture: Pixels) -> tuple[Sequence[float], Sequence[float]]:
    """The colour that most of a picture has, and the one that differs from it most."""
    flat = picture.reshape(-1, 3).astype(int)
    colours, counts = np.unique(flat, axis=0, return_counts=True)
    ground = colours[counts.argmax()]
    ink = colours[np.abs(colours - ground).sum(axis=1).argmax()]
    return ink.tolist(), ground.tolist()


MISREAD = {
    4: "Ежик нёс на спине желтый лист и громко пыхтел.",
    6: "Дождь шёл всю ночь, и к утру река вышла из 6ерегов.",
    5: "«Вы уверены?» - спросил сторож, закрывая дверь на ключ.",
    9: "Срок годности: 180 суток приt от О до +6 °C.",
    12: "подшиввки.",
    16: "Заявление принимается до 18:00 в окне № 1.",
    18: "Жаркое лето высушило пруд почти до самого дна",
    20: "обьчного.",
}
"""Lines of the sample page syn_015, a book in Russian, as a reader could misread them."""


@pytest.mark.parametrize("dark", [pytest.param(False, id="light"), pytest.param(True, id="dark")])
def test_everything_can_be_read_at_1280_by_720(desk: Desk, editor: SheetEditor, dark: bool) -> None:
    book = sample("syn_015")
    read = [(book.lines[number], text) for number, text in MISREAD.items()]
    project = desk.project([Doubt(line["text"], text, book.path, line["poly"]) for line, text in read])
    editor.open_stream(project.id, instructions=False)
    if dark:
        editor.page.locator("button[class*=themeToggle]").click()
        editor.page.mouse.move(640, 300)
        editor.page.wait_for_timeout(400)
    editor.picture(f"sheet_{'dark' if dark else 'light'}")

    assert editor.page.viewport_size == {"width": 1280, "height": 720}
    assert editor.whole == [0, 1, 2]
    assert editor.page.evaluate("() => document.documentElement.scrollWidth") == 1280
    line = editor.strip(0).shape[0] / (1 + 2 * AROUND)
    assert line == pytest.approx(40, abs=1)

    editor.press("1", "Shift+Digit2", "Tab", "End")
    editor.picture(f"sheet_typing_{'dark' if dark else 'light'}")
    parts = {
        "reading": editor.block(2).locator(".read").first,
        "mark": editor.block(2).locator("mark").first,
        "key": editor.block(2).locator("kbd").first,
        "verdict": editor.block(2).locator(".verdict").first,
        "why": editor.block(2).locator(".why bdi"),
        "palette": editor.block(1).locator("[data-shortcut]").first,
        "field": editor.block(1).locator("input[name=typed_1]"),
    }
    for name, part in parts.items():
        picture = image_files.decode(part.screenshot(), max_pixels=10**7).pixels
        ink, ground = ink_and_ground(picture)
        assert contrast(ink, ground) >= 4.5, f"{name}: {ink} on {ground}"
        if name != "mark":
            assert (sum(ground) < 3 * 128) is dark, f"{name} stands on {ground}"


def test_the_instructions_are_whole_on_the_screen(desk: Desk, editor: SheetEditor) -> None:
    for messages, words in (("en", "Ten lines, one key each"), ("ru", "Десять строк, по клавише на каждую")):
        project = desk.project(
            doubts(desk.page("Хлеб")), messages=messages, keyboard=messages, show_instructions=True
        )
        editor.page.goto(f"{editor.base_url}/projects/{project.id}/data")
        editor.page.get_by_text("Label All Tasks").click()
        editor.instructions.wait_for()
        assert editor.page.get_by_text(words).is_visible()
        box = editor.page.locator(".lsf-modal-ls__content").bounding_box()
        editor.picture(f"sheet_instructions_{messages}")
        assert box is not None
        assert box["height"] <= 720
        editor.read_instructions()
