"""For each row of a nasty set, the check says exactly what PaddleOCR's own loader does with it."""

from __future__ import annotations

import json
import random
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.check.command import check
from converters.paddleocr import dictionaries, label_rows
from converters.paddleocr.findings import Finding, Outcome, RowCheck
from converters.paddleocr.images import look_at
from converters.paddleocr.label_rows import RowRegion
from converters.paddleocr.row_check import check_detection_row, check_recognition_row
from converters.paddleocr.training_config import DetectionRules, RecognitionRules
from tests.parts import paddle_loader
from tests.parts.paddle_loader import ESLAV, Job

RULES = RecognitionRules()
GLOBAL = {"character_dict_path": str(ESLAV), "max_text_length": 25, "use_space_char": True}
GOOD = 5

# one process asks the loader, when tests are spread over several
pytestmark = pytest.mark.xdist_group("paddle loader")


# PaddleOCR draws a neighbour with numpy's numbers and joins when Python's are low: with the first seeds a
# row is trained by itself, with the others it is joined with the first row of the file.
def joins(seed: int, *, after_a_list: bool = False) -> float:
    """The number that decides about joining; reading a list of two images draws one before it."""
    drawn = random.Random(seed)
    if after_a_list:
        drawn.choice([0, 1])
    return drawn.random()


ALONE = [seed for seed in range(200) if min(joins(seed), joins(seed, after_a_list=True)) > 0.6][:2]
JOINED = [
    seed for seed in range(200) if joins(seed) < 0.4 and np.random.RandomState(seed).randint(GOOD + 1) == 0
][:2]


def images(folder: Path) -> None:
    """Pictures of every kind, good and bad."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 160, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    for name in ("good0.png", "good1.jpg", "good2.bmp", "good3.webp", "good4.tif", "g.gif", "стр 1/а б.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        picture.save(folder / name)
    picture.resize((300, 200)).save(folder / "page.png")
    picture.convert("L").save(folder / "grey.png")
    picture.convert("RGBA").save(folder / "alpha.png")
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.convert("P").save(folder / "palette.png")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    picture.resize((3000, 20)).save(folder / "strip.png")
    picture.resize((20, 300)).save(folder / "tall.png")
    picture.resize((1, 200)).save(folder / "sliver.png")
    picture.save(folder / "[1].png")
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(folder / "turned.jpg", exif=turned)
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("this is no image")
    (folder / "half.jpg").write_bytes((folder / "good1.jpg").read_bytes()[:40])
    (folder / "folder.png").mkdir()


RECOGNITION = [
    pytest.param("good0.png\tпример", id="plain"),
    pytest.param("good0.png\tпример\r", id="CRLF"),
    pytest.param("./good0.png\tпример", id="dot path"),
    pytest.param("стр 1/а б.png\tпример", id="Cyrillic folder and spaces"),
    pytest.param("good0.png\t\"пример\" 'x'", id="quotes"),
    pytest.param("good0.png пример", id="no tab"),
    pytest.param("", id="blank line"),
    pytest.param("\r", id="blank CRLF line"),
    pytest.param("missing.png\tпример", id="missing image"),
    pytest.param("folder.png\tпример", id="a folder"),
    pytest.param("\tпример", id="no name"),
    pytest.param("a\x00b.png\tпример", id="NUL in the name"),
    pytest.param("empty.png\tпример", id="zero bytes"),
    pytest.param("\ufeffgood0.png\tпример", id="byte order mark"),
    pytest.param("good0.png\tпример".encode("cp1251"), id="cp1251"),
    pytest.param(" good0.png\tпример", id="leading space in the name"),
    pytest.param("good0.png \tпример", id="trailing space in the name"),
    pytest.param("http://127.0.0.1:9/1.png\tпример", id="dead address"),
    pytest.param("httpd.png\tпример", id="a name that only begins like an address"),
    pytest.param("good0.png\t", id="empty text"),
    pytest.param("good0.png\t\r", id="empty text, CRLF"),
    pytest.param("good0.png\t\tпример", id="empty text before a second tab"),
    pytest.param("good0.png\t日本語", id="only characters outside"),
    pytest.param("good0.png\t" + "а" * 22, id="22 characters"),
    pytest.param("good0.png\t" + "а" * 23, id="23 characters"),
    pytest.param("good0.png\t" + "а" * 24, id="24 characters"),
    pytest.param("good0.png\t" + "а" * 25, id="25 characters"),
    pytest.param("good0.png\t" + "а" * 26, id="26 characters"),
    pytest.param("good0.png\t" + "а" * 23 + "日" * 2, id="25 of which 23 inside"),
    pytest.param("good0.png\t" + "а" * 23 + "日" * 3, id="26 of which 23 inside"),
    pytest.param("good0.png\t" + "а" * 23 + "日日\r", id="CR counts into the limit"),
    pytest.param("text.png\tпример", id="no image inside"),
    pytest.param("half.jpg\tпример", id="truncated"),
    pytest.param("text.png\t", id="no image and no text"),
    pytest.param("good0.png\tа\u00a0б", id="no-break space"),
    pytest.param("good0.png\tа\u2009б\u3000в", id="thin and ideographic space"),
    pytest.param("good0.png\tок😀", id="emoji"),
    pytest.param("good0.png\tслово\u200b\u00ad", id="invisible characters"),
    pytest.param("good0.png\tза\u0301мок", id="stress mark"),
    pytest.param("good0.png\tа\rб", id="lone CR"),
    pytest.param("good0.png\tа\u2028б", id="line separator"),
    pytest.param("good0.png\t" + unicodedata.normalize("NFD", "йё"), id="decomposed"),
    pytest.param("good0.png\tпри\tвет", id="tab in the text"),
    pytest.param("good0.png\tпривет\t", id="tab at the end"),
    pytest.param("good0.png\t  ", id="only spaces"),
    pytest.param("good0.png\t а ", id="spaces at the edges"),
    pytest.param("good0.png\t###", id="hashes"),
    pytest.param("good0.png\tпpивет", id="Latin p among Cyrillic"),
    pytest.param("good0.png\tnull", id="null"),
    pytest.param('["good0.png", "good1.jpg"]\tпример', id="list of images"),
    pytest.param('["missing.png"]\tпример', id="list of one missing image"),
    pytest.param("[1]\tпример", id="list of a number"),
    pytest.param("[]\tпример", id="empty list"),
    pytest.param("[1].png\tпример", id="bracket that is no list"),
    *(
        pytest.param(f"{name}\tпример", id=name)
        for name in (
            *("good2.bmp", "good3.webp", "good4.tif", "g.gif", "grey.png", "alpha.png", "cmyk.jpg"),
            *("palette.png", "deep.png", "turned.jpg", "strip.png", "tall.png", "sliver.png"),
        )
    ),
]

QUAD = [[10, 10], [100, 10], [100, 40], [10, 40]]


def regions(*pairs: tuple[object, object]) -> str:
    return json.dumps(
        [{"transcription": text, "points": points} for text, points in pairs], ensure_ascii=False
    )


DETECTION = [
    pytest.param(f"page.png\t{label}", id=name)
    for name, label in {
        "one region": regions(("а", QUAD)),
        "ignore marks": regions(("а", QUAD), ("###", QUAD), ("*", QUAD), ("", QUAD), (None, QUAD)),
        "spaces around the marks": regions((" ### ", QUAD)),
        "extra keys": '[{"transcription": "a", "points": [[1,2],[30,2],[30,40],[1,40]], "difficult": true}]',
        "escaped tab": regions(("a\tb", QUAD)),
        "raw tab": '[{"transcription": "a\tb", "points": [[1,2],[30,2],[30,40],[1,40]]}]',
        "a third column": regions(("а", QUAD)) + "\tmore",
        "CRLF": regions(("а", QUAD)) + "\r",
        "Python": "[{'transcription': 'a', 'points': []}]",
        "no region": "[]",
        "blanks around nothing": " [] ",
        "empty object": "{}",
        "empty string": '""',
        "empty label": "",
        "null": "null",
        "number": "3",
        "string": '"abc"',
        "one region without its list": '{"transcription": "a", "points": []}',
        "list of numbers": "[1]",
        "no transcription": '[{"points": [[1,2],[30,2],[30,40],[1,40]]}]',
        "no points": '[{"transcription": "a"}]',
        "empty points": regions(("а", [])),
        "flat points": regions(("а", [10, 10, 20, 20])),
        "points as a string": regions(("а", "abcd")),
        "points as an object": regions(("а", {"0": 1})),
        "letters as coordinates": regions(("а", [["x", "2"], ["3", "2"], ["3", "4"], ["1", "4"]])),
        "numbers in quotes": regions(("а", [["1", "2"], ["30", "2"], ["30", "40"], ["1", "40"]])),
        "half a point": regions(("а", [[1, 1], [2], [3, 3], [1, 3]])),
        "three coordinates": regions(("а", [[1, 1, 1], [20, 1, 1], [20, 30, 1], [1, 30, 1]])),
        "NaN": regions(("а", [[float("nan"), 1], [2, 1], [3, 3], [1, 3]]), ("б", QUAD)),
        "null coordinate": regions(("а", [[None, 1], [2, 1], [3, 3], [1, 3]]), ("б", QUAD)),
        "five points": regions(("а", [*QUAD, [5, 20]]), ("б", QUAD)),
        "a triangle beside a quad": regions(("а", QUAD[:3]), ("б", QUAD)),
        "a triangle alone": regions(("а", QUAD[:3])),
        "two points": regions(("а", QUAD[:2])),
        "infinite": regions(("а", [[float("inf"), 1], [20, 1], [30, 30], [1, 30]])),
        "too large for its type": regions(("а", [[1e300, 1], [20, 1], [30, 30], [1, 30]])),
        "no area": regions(("а", [[10, 10]] * 4), ("б", QUAD)),
        "over the edge": regions(("а", [[-50, -50], [1000, -50], [1000, 1000], [-50, 1000]])),
        "anticlockwise": regions(("а", QUAD[::-1])),
        "a number as text": regions((5, QUAD)),
    }.items()
] + [
    pytest.param(f"{name}\t{regions(('а', QUAD))}", id=name)
    for name in ("missing.png", "empty.png", "text.png", "folder.png", "http://127.0.0.1:9/1.png", "[1].png")
]


def as_bytes(row: object) -> bytes:
    return (row if isinstance(row, bytes) else str(row).encode("utf-8", "surrogateescape")) + b"\n"


@dataclass
class Loader:
    """What PaddleOCR's loader did with each row, in evaluation and over some turns of training."""

    folder: Path
    evaluated: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)
    trained: dict[tuple[str, bytes], list[dict[str, Any]]] = field(default_factory=dict)
    neighbours: dict[tuple[str, bytes], list[dict[str, Any]]] = field(default_factory=dict)
    stuck: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    made_regions: dict[str, Any] = field(default_factory=dict)


CORNERS = ((10.0, 10.0), (100.5, 10.0), (100.25, 40.0), (10.0, 40.0))
MADE_TEXTS = ["Счёт № 12", "null", "if true", '"в кавычках" \\n', " край ", "Ёлка — «да»", "½ 25 ₽"]
MADE_REGIONS = [RowRegion(text, CORNERS) for text in MADE_TEXTS] + [
    RowRegion("", CORNERS, ignored=True),
    RowRegion("t", CORNERS[:3]),
]


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """Ask the loader about every row at once: starting it costs more than asking."""
    folder = tmp_path_factory.mktemp("nasty")
    images(folder)
    told = Loader(folder)
    jobs: list[Job] = []
    sets = {"recognition": ([row.values[0] for row in RECOGNITION], b"good0.png\t\xd0\xb1\n")}
    sets["detection"] = (
        [row.values[0] for row in DETECTION],
        f"page.png\t{regions(('б', QUAD))}\n".encode(),
    )
    asked: list[tuple[str, bytes]] = []
    for kind, (rows, good) in sets.items():
        for number, row in enumerate(map(as_bytes, rows)):
            path = folder / f"{kind}{number}.txt"
            path.write_bytes(row + good * GOOD)
            common = {"kind": kind, "label_file": str(path), "data_dir": str(folder), "global_config": GLOBAL}
            jobs.append(Job(**common, rows=[0]))
            jobs.append(Job(**common, train=True, rows=[0, 1], seeds=ALONE + JOINED))
            asked.append((kind, row))
    for name, row in {"missing": "no.png\tа", "long": "good0.png\t" + "а" * 24}.items():
        path = folder / f"{name}.txt"
        path.write_bytes(as_bytes(row) * 4)
        jobs.append(Job("recognition", str(path), str(folder), GLOBAL, rows=[0]))
    made = folder / "made.txt"
    made.write_text("".join(label_rows.recognition_row("good0.png", text) for text in MADE_TEXTS), "utf-8")
    jobs.append(Job("recognition", str(made), str(folder), GLOBAL))
    made_regions = folder / "det_made.txt"
    made_regions.write_text(label_rows.detection_row("page.png", MADE_REGIONS), "utf-8")
    jobs.append(Job("detection", str(made_regions), str(folder)))
    answers = paddle_loader.ask(jobs, folder)
    turns = len(ALONE + JOINED)
    for place, key in enumerate(asked):
        told.evaluated[key] = answers[2 * place][0]
        trained = answers[2 * place + 1]
        told.trained[key], told.neighbours[key] = trained[:turns], trained[turns:]
    told.stuck = [answer[0] for answer in answers[-4:-2]]
    told.made, told.made_regions = answers[-2], answers[-1][0]
    return told


def foretold(kind: str, row: bytes, folder: Path, *, training: bool) -> RowCheck:
    dictionary = dictionaries.parse_dictionary(ESLAV.read_bytes())

    def look(image):
        return look_at(image if image.startswith("http") else f"{folder}/{image}")

    if kind == "recognition":
        return check_recognition_row(row, 1, RULES, dictionary, look, training=training)
    return check_detection_row(row, 1, DetectionRules(), look, training=training)


def fates(told: RowCheck) -> set[str]:
    """The loader's words for an outcome."""
    match told.outcome:
        # what is not learned is loaded like any other row; its loss is another matter
        case Outcome.KEPT | Outcome.ALTERED | Outcome.UNLEARNED:
            return {"kept"}
        case Outcome.AT_RISK:
            return {"kept", "replaced"}
        case _:
            return {told.outcome.value}


@pytest.mark.parametrize("row", RECOGNITION)
def test_a_recognition_row_meets_the_fate_foretold(loader, row):
    key = ("recognition", as_bytes(row))
    told = foretold(*key, loader.folder, training=False)
    seen = loader.evaluated[key]
    assert seen["outcome"] in fates(told), seen["error"]
    if seen["outcome"] == "kept":
        assert seen["text"] == told.trained
        meant = as_bytes(row).decode().rstrip("\r\n").split("\t", 1)[1]
        assert (told.outcome is Outcome.KEPT) == (seen["text"] == meant)


@pytest.mark.parametrize("row", RECOGNITION)
def test_a_recognition_row_meets_its_fate_in_training_too(loader, row):
    key = ("recognition", as_bytes(row))
    told = foretold(*key, loader.folder, training=True)
    alone, joined = loader.trained[key][: len(ALONE)], loader.trained[key][len(ALONE) :]
    assert {answer["outcome"] for answer in alone} <= fates(told)
    assert {answer["text"] for answer in alone if answer["outcome"] == "kept"} <= {told.trained}
    if told.outcome is Outcome.AT_RISK:
        assert "replaced" in {answer["outcome"] for answer in alone + joined}


@pytest.mark.parametrize("row", DETECTION)
def test_a_detection_row_meets_the_fate_foretold(loader, row):
    key = ("detection", as_bytes(row))
    told = foretold(*key, loader.folder, training=False)
    seen = loader.evaluated[key]
    assert seen["outcome"] in fates(told), seen["error"]
    if seen["outcome"] == "kept":
        said = [["" if text is None else str(text), ignored] for text, ignored in seen["regions"]]
        assert said == [list(region) for region in told.regions]


@pytest.mark.parametrize("row", DETECTION)
def test_a_detection_row_meets_its_fate_in_training_too(loader, row):
    key = ("detection", as_bytes(row))
    told = foretold(*key, loader.folder, training=True)
    seen = {answer["outcome"] for answer in loader.trained[key]}
    assert seen <= fates(told)
    if told.outcome is Outcome.AT_RISK:
        assert "replaced" in seen


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        pytest.param(kind, row.values[0], id=f"{kind}: {row.id}")
        for kind, rows in {"recognition": RECOGNITION, "detection": DETECTION}.items()
        for row in rows
    ],
)
def test_a_row_makes_its_neighbours_fail_only_when_foretold(loader, kind, row):
    key = (kind, as_bytes(row))
    told = foretold(*key, loader.folder, training=True)
    assert ("replaced" in {answer["outcome"] for answer in loader.neighbours[key]}) == told.infects


def test_with_nothing_but_bad_rows_the_loader_runs_for_ever_and_the_check_says_so(loader):
    assert [answer["outcome"] for answer in loader.stuck] == ["stuck", "stuck"]
    for name in ("missing", "long"):
        report = check(loader.folder / f"{name}.txt", dictionary=ESLAV)
        assert [problem.stops for problem in report.files[0].problems] == [True]
        assert report.exit_code == 1


def test_rows_written_by_this_package_are_trained_to_the_letter(loader):
    assert [answer["text"] for answer in loader.made] == MADE_TEXTS
    report = check(loader.folder / "made.txt", dictionary=ESLAV)
    assert [row.trained for row in report.every_row] == MADE_TEXTS
    assert report.exit_code == 0


def test_detection_rows_written_by_this_package_keep_points_and_marks(loader):
    seen = loader.made_regions
    assert seen["regions"] == [[text, False] for text in MADE_TEXTS] + [["###", True], ["t", False]]
    assert seen["points"][0] == [list(point) for point in CORNERS]
    assert seen["points"][-1] == [list(point) for point in (*CORNERS[:3], CORNERS[2])]
    report = check(loader.folder / "det_made.txt")
    assert report.exit_code == 0
    assert Finding.FEW_POINTS not in report.findings
