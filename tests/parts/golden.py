"""What each stage that decides a prediction makes of fixed inputs, kept beside the stage's number.

    python -m tests.parts.golden      writes tests/data/golden/ for stages whose number was raised

The number is `PIPELINE` of a package or `RENDERING` of a detector or reader. It stands in the model version,
so that Label Studio asks anew exactly when something can come out otherwise.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from backend import label_studio, page, text
from backend.detectors import paddle as detector
from backend.label_studio import interactive, predictions
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.models.paddle_engine import EngineOptions
from backend.page import crops, geometry, image_files
from backend.page.lines import Judgement, Line, Page, Reading, ReadLine, ReadPage, Reason, ReasonKind, Verdict
from backend.page.reading_order import reading_order
from backend.pipeline import annotate
from backend.readers import paddle, tesseract
from backend.readers.ernie import prompts, request
from backend.text import languages
from backend.text.model_answers import answer_of, clean
from backend.text.verdicts import judge
from backend.text.wrapping import unwrapped
from tests.parts.samples import ROOT, all_samples, sample
from tests.parts.scripted import CONFIG, ScriptedDetector, ScriptedReader, picture, scripted_panel

FOLDER = ROOT / "tests" / "data" / "golden"
LEVELS = 3
"""Most that a level of a picture may differ: processors round otherwise, another interpolation shows more."""
PIXELS = 3.0
"""The same for a corner that a network found."""

Value: TypeAlias = Any
"""JSON, a picture (uint8 array) or corners (float array)."""

TEXTS = (
    "Счёт 12", "Счет 12", "Cчёт 12", "счёт 12", "Счёт  12", "Счёт 12.", "", "12", "1О", "10", "ООО «Ромашка»",
    'ООО "Ромашка"', "a — b…", "a - b...", "об’єкт", "МОСТ", "MOCT", "при вет", "привет", "да " * 12,
    "I cannot read this image.", "Read the text in this image exactly.", "漢字", "№ 7", "15,90 ₽", "Thе cat",
    "Σχολείο", "Ёлка и ёж", "x" * 90, "a – b...", "№7", "25°С", "9:00–19:00",
    "|Стол", "268, 32", "З00 руб.", "MOCKBA", "МОСКВА", "[illegible]", "Я не вижу моря", "с.ivanov@mail.ru",
)  # fmt: skip
RAW = (
    "```\nСчёт 12\n```", '"Счёт"', "Text: Счёт", "The text in the image reads: Счёт", "<b>Счёт</b>", "###",
    " a\u200bb ", "**Счёт**", "$12$", "«Зефир»", "Here is the transcription:\nСчёт", "a\tb\r\nc",
    "\u0438\u0306", "Счёт<|im_end|>", '{"text": "Счёт"}', "# Счёт", "<p>Счёт</p>", "&quot;Счёт&quot;",
    "The text in the image is Счёт", "Счёт (Note: cut off)", "Счёт",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A stage: its number, where that stands, and what it makes of the inputs."""

    number: int
    where: str
    make: Callable[[], Mapping[str, Value]]


def _page(name: str) -> Page:
    return image_files.decode(sample(name).path.read_bytes(), max_pixels=50_000_000)


def _quads(name: str) -> list[npt.NDArray[np.float32]]:
    return [_quad(line) for line in sample(name).lines]


def _quad(line: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    points = np.array(line["poly"], np.float32)
    return points if len(points) == 4 else geometry.minimum_area_quad(points)


def _cuts() -> list[npt.NDArray[np.uint8]]:
    """Lines as they are read: straight, tilted, light on dark, tall."""
    cuts = []
    for name, number in (("syn_001", 2), ("syn_033", 1), ("syn_009", 0), ("syn_007", 0)):
        cuts.append(crops.crop_line(_page(name).pixels, _quads(name)[number]))
    tall = np.array([[40, 40], [70, 40], [70, 240], [40, 240]], np.float32)
    cuts.append(crops.crop_line(_page("syn_015").pixels, tall, "always"))
    return cuts


def _small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A page in 24 by 24 means; its size goes with it."""
    rows = np.array_split(pixels.astype(np.float64).mean(axis=2), 24, axis=0)
    means = [[cell.mean() for cell in np.array_split(row, 24, axis=1)] for row in rows]
    return np.rint(means).astype(np.uint8)


def page_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {}
    for one in all_samples():
        decoded = image_files.decode(one.path.read_bytes(), max_pixels=50_000_000)
        made[f"size {one.path.name}"] = [decoded.width, decoded.height]
        if decoded.width * decoded.height < 2_000_000:
            made[f"page {one.path.name}"] = _small(decoded.pixels)
        quads = [_quad(line) for line in one.lines]
        made[f"order {one.path.name}"] = reading_order(quads)
        made[f"order from the right {one.path.name}"] = reading_order(quads, right_to_left=True)
    for number, cut in enumerate(_cuts()):
        made[f"crop {number}"] = cut
        made[f"blank {number}"] = crops.is_blank(cut)
    return made


def text_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {f"clean {raw!r}": clean(raw) for raw in RAW}
    for first, second in itertools.combinations_with_replacement(RAW, 2):
        made[f"unwrapped {first!r} | {second!r}"] = unwrapped([answer_of(first), answer_of(second)])
    for language in ("ru", "uk", "el", "en"):
        letters = "".join(sorted(languages.letters(language)))
        made[f"letters {language}"] = letters
        for first, second in itertools.combinations_with_replacement(TEXTS, 2):
            readings = [Reading("one", clean(first)), Reading("two", clean(second))]
            made[f"{language}: {first[:30]} | {second[:30]}"] = _judged(readings, language)
    said = ["Счёт 12", "Счёт 12", "Счет 12"]
    for third in (Reading("three", "Счёт"), Reading("three", error="down", retryable=True), Reading("three")):
        readings = [Reading(f"r{number}", text, 0.9 - number / 10) for number, text in enumerate(said)]
        made[f"four with {third}"] = _judged([*readings, third], "ru")
        made[f"one family and {third}"] = _judged([*readings[:2], third], "ru", {"r0": "f", "r1": "f"})
    return made


def _judged(readings: list[Reading], language: str, families: Mapping[str, str] | None = None) -> Value:
    made = judge(
        readings,
        crop_size=(300, 40),
        language=language,
        line_score=0.9,
        prompts=["Read the text in this image exactly."],
        families=families,
    )
    reasons = [[reason.kind.value, reason.first, reason.second] for reason in made.reasons]
    return [made.verdict.value, made.text, round(made.score, 4), reasons]


def _read_page() -> ReadPage:
    """Lines of every verdict with every kind of reason, turned and leaning ones among them."""
    quads = itertools.cycle(_quads("syn_033")[:3] + _quads("syn_001")[:6] + _quads("syn_009")[:2])
    one, two = Reading("one", "Счёт 12", 0.8), Reading("two", "Счет 12")
    down = Reading("two", error="no answer in 60 s")
    judged = [
        ((one, one), Judgement(Verdict.AGREED, "Счёт 12", 0.96)),
        ((one, one), Judgement(Verdict.AGREED, "12", 0.7, (Reason(ReasonKind.DIGITS_ONLY),))),
        ((Reading("one"), Reading("two")), Judgement(Verdict.NO_TEXT, "", 0.05)),
        (
            (down, down),
            Judgement(Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.READER_FAILED, "two", "down"),)),
        ),
        (
            (one, down),
            Judgement(Verdict.DISPUTED, "Счёт 12", 0.3, (Reason(ReasonKind.READER_FAILED, "two", "x"),)),
        ),
    ]
    disputes = ((Reason(kind, "ё", "е"),) for kind in ReasonKind)
    judged += [((one, two), Judgement(Verdict.DISPUTED, "Счёт 12", 0.5, reasons)) for reasons in disputes]
    lines = [
        ReadLine(Line(quad, 0.9), readings, judgement)
        for quad, (readings, judgement) in zip(quads, judged, strict=False)
    ]
    return ReadPage(1240, 1754, lines)


def label_studio_stage() -> Mapping[str, Value]:
    polygons = CONFIG.replace("RectangleLabels", "PolygonLabels")
    apart = (
        '<View><Image name="i" value="$image"/><Labels name="l" toName="i"><Label value="Text"/></Labels>'
        '<Rectangle name="r" toName="i"/><TextArea name="t" toName="i" perRegion="true"/></View>'
    )
    made: dict[str, Value] = {}
    forms = {"ours": default_config(), "rectangles": CONFIG, "polygons": polygons, "labels apart": apart}
    for (name, xml), language in zip(forms.items(), itertools.cycle(("ru", "en"))):
        made[f"{name} {language}"] = predictions.prediction(
            _read_page(),
            LabelingConfig.parse(xml, LabelNames()),
            model_version="v",
            message_language=language,
        )
    several = LabelingConfig.parse(CONFIG.replace('value="$image"', 'valueList="$pages"'), LabelNames())
    made["several pages"] = predictions.prediction_of_pages(
        [replace(_read_page(), lines=_read_page().lines[:3])] * 2, several, model_version="v"
    )
    written = predictions.prediction(
        _read_page(), LabelingConfig.parse(CONFIG, LabelNames()), model_version="v"
    )
    drawn = [{**part, "origin": "manual"} for part in written["result"] if part["type"] == "rectanglelabels"][
        :1
    ]
    config = LabelingConfig.parse(CONFIG, LabelNames())
    regions = interactive.drawn_regions(drawn, config)
    answers = list(zip(regions, _read_page().lines, strict=False))
    made["a drawn box"] = interactive.assist_result(answers, config, model_version="v")
    return made


def annotate_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {}
    for name, data in (("text", picture()), ("blank", picture(lines=0))):
        readers = [
            ScriptedReader("one", "Счёт 12"),
            ScriptedReader("two", "Счёт 12"),
            ScriptedReader("three", "Счет"),
        ]
        opened = image_files.decode(data, max_pixels=1_000_000)
        read = annotate.annotate_page(opened, ScriptedDetector(), scripted_panel(readers))
        made[name] = [
            [line.judgement.verdict.value, line.judgement.text, [said.text for said in line.readings]]
            for line in read.lines
        ]
        made[f"{name}: asked"] = [reader.asked for reader in readers]
    return made


def detector_stage() -> Mapping[str, Value]:
    options = detector.DetectionOptions(engine=EngineOptions(device="cpu", cpu_threads=1))
    finder = detector.PaddleDetector(options, model="PP-OCRv5_mobile_det", source="packages")
    finder.start()
    try:
        made: dict[str, Value] = {}
        for name in ("syn_067", "syn_009", "syn_063"):
            found = finder.detect(_page(name))
            quads = sorted((line.quad for line in found.lines), key=lambda quad: (quad[0, 1], quad[0, 0]))
            made[name] = np.array(quads, np.float64).reshape(-1, 2)
            made[f"{name}: dropped"] = found.dropped
        return made
    finally:
        finder.stop()


def paddle_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {}
    for (number, cut), margin in itertools.product(enumerate(_cuts()), (False, True)):
        for piece, pixels in enumerate(paddle._rendered(paddle._ReadJob(cut, "reader", margin))):
            made[f"crop {number}, margin {margin}, piece {piece}"] = pixels
    made["answer"] = [
        paddle._reading("reader", parts).text for parts in ([("a ", 0.5), (" b", 0.7)], [(" ", 0.1)])
    ]
    return made


def tesseract_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {"renderings": [repr(rendering) for rendering in tesseract._RENDERINGS]}
    for (number, cut), rendering in itertools.product(enumerate(_cuts()), tesseract._RENDERINGS):
        made[f"crop {number}, {rendering.name}"] = tesseract.rendered(cut, rendering.height, rendering.margin)
    for number, cut in enumerate(_cuts()):
        made[f"crop {number}, trimmed"] = list(tesseract.trimmed(cut).shape)
    for read in ("'Счёт", "‘уведомить об этом", "'да'", "Счёт’"):
        made[f"apostrophe {read}"] = tesseract.without_stray_apostrophe(read)
    return made


def ernie_stage() -> Mapping[str, Value]:
    made: dict[str, Value] = {}
    options = request.ErnieOptions("http://127.0.0.1:9/v1", "ernie")
    for style in ("instructions", "ocr"):
        for prompt in prompts.prompts(style, "Russian"):
            made[f"words {prompt.name}"] = prompt.text
            made[f"body {prompt.name}"] = request.request_body(options, prompt.text, 99, b"picture").decode()
            made[f"crop, {prompt.name}"] = prompts.lay_out(min(_cuts(), key=np.size), prompt)
    made["most tokens"] = [prompts.most_tokens(cut) for cut in _cuts()]
    return made


STAGES = {
    "page": Stage(page.PIPELINE, "PIPELINE in backend/page/__init__.py", page_stage),
    "text": Stage(text.PIPELINE, "PIPELINE in backend/text/__init__.py", text_stage),
    "label_studio": Stage(
        label_studio.PIPELINE, "PIPELINE in backend/label_studio/__init__.py", label_studio_stage
    ),
    "annotate": Stage(annotate.PIPELINE, "PIPELINE in backend/pipeline/annotate.py", annotate_stage),
    "detector": Stage(detector.RENDERING, "RENDERING in backend/detectors/paddle.py", detector_stage),
    "paddle": Stage(paddle.RENDERING, "RENDERING in backend/readers/paddle.py", paddle_stage),
    "tesseract": Stage(tesseract.RENDERING, "RENDERING in backend/readers/tesseract.py", tesseract_stage),
    "ernie": Stage(request.RENDERING, "RENDERING in backend/readers/ernie/request.py", ernie_stage),
}


def kept(stage: str) -> tuple[int, dict[str, Value]]:
    """The number and the values as they were written."""
    read = json.loads((FOLDER / f"{stage}.json").read_text("utf-8"))
    return read["number"], {name: _from_json(value) for name, value in read["values"].items()}


def differences(before: Mapping[str, Value], now: Mapping[str, Value]) -> list[str]:
    """Names of inputs of which something else comes out."""
    names = [*before, *(name for name in now if name not in before)]
    return [
        name for name in names if name not in before or name not in now or _differ(before[name], now[name])
    ]


def _differ(before: Value, now: Value) -> bool:
    if isinstance(now, np.ndarray):
        if not isinstance(before, np.ndarray) or before.shape != now.shape:
            return True
        most = LEVELS if now.dtype == np.uint8 else PIXELS
        return bool(now.size) and bool(
            np.abs(before.astype(np.float64) - now.astype(np.float64)).max() > most
        )
    return bool(before != json.loads(json.dumps(now)))


def _to_json(value: Value) -> Value:
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == np.uint8:
        pixels = value if value.ndim == 3 else np.repeat(value[:, :, None], 3, axis=2)
        encoded = base64.b64encode(image_files.encode(np.ascontiguousarray(pixels), "png")).decode()
        return {"png": encoded, "grey": value.ndim == 2}
    return {"corners": np.round(value.astype(np.float64), 1).tolist()}


def _from_json(value: Value) -> Value:
    if isinstance(value, dict) and "png" in value:
        pixels = image_files.decode(base64.b64decode(value["png"]), max_pixels=50_000_000).pixels
        return pixels[:, :, 0] if value["grey"] else pixels
    if isinstance(value, dict) and "corners" in value:
        return np.array(value["corners"], np.float64).reshape(-1, 2)
    return value


def main() -> int:
    """Write what is new; a stage whose output changed under the same number is refused."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    refused = 0
    for name, stage in STAGES.items():
        path, values = FOLDER / f"{name}.json", stage.make()
        if path.exists():
            number, before = kept(name)
            changed = differences(before, values)
            if changed and number == stage.number:
                print(f"{name}: {len(changed)} outputs changed, such as {changed[0]!r}; raise {stage.where}")
                refused += 1
                continue
            if number == stage.number:
                continue
        written = {"number": stage.number, "values": {key: _to_json(value) for key, value in values.items()}}
        path.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(f"{name}: written under {stage.number}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
